// In the visitor's browser: a one-time key for an age token, and the proof of holding it.

const bytesOf = (text) => new TextEncoder().encode(text);

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const digest = async (text) => base64url(await crypto.subtle.digest("SHA-256", bytesOf(text)));

/** A new key for one question. Its private half cannot be read, not even by the page. */
export async function makeHolderKey() {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, false, ["sign"]);
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk = { crv, kty, x, y }; // these members in this order: RFC 7638
  return { privateKey: pair.privateKey, jwk, jkt: await digest(JSON.stringify(jwk)) };
}

/** Signs that who presents `token` holds `key`. `at`: the time in milliseconds since 1970. */
export async function makeHolderProof(key, { token, audience, nonce, at = Date.now() }) {
  const header = { typ: "age-holder+jwt", alg: "ES256", jwk: key.jwk };
  const payload = {
    aud: audience,
    nonce,
    iat: Math.floor(at / 1000),
    token_hash: await digest(token),
  };
  const parts = [header, payload].map((part) => base64url(bytesOf(JSON.stringify(part))));
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signed = parts.join(".");
  const signature = await crypto.subtle.sign(algorithm, key.privateKey, bytesOf(signed));
  return `${signed}.${base64url(signature)}`;
}
