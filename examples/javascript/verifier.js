// A verifier of age tokens: signatures by jose, the rules of docs/reference/token-format.md here.
// Fourteen steps, the first that fails decides. Tell the outside world only that it failed.

import { createHash, timingSafeEqual } from "node:crypto";

import { compactVerify } from "jose";

import { decodeBase64url } from "./base64url.js";
import { readKey, readKeySet } from "./key-set.js";
import { isInteger, isObject, parseObject } from "./strict-json.js";

const TYPE = "age-result+jwt";
const PROOF_TYPE = "age-holder+jwt";
const MAX_TOKEN = 8192;
const MAX_PROOF = 2048;
const MAX_LIFETIME = 900n;
const MAX_PROOF_AGE = 300n;
const METHODS = ["verification", "estimation", "inference", "declaration"];
const LEVELS = ["asserted", "standard", "enhanced", "strict"]; // ascending
const REQUIRED = ["iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over"];
const OPTIONAL = ["age_method", "age_assurance", "policy", "cnf"];
const OKP = ["kty", "crv", "x"];
const PROOF_KEYS = { ES256: ["kty", "crv", "x", "y"], EdDSA: OKP, Ed25519: OKP };

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
const NONCE = /^[A-Za-z0-9_-]{22,128}$/;
const TOKEN_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const AUDIENCE = /^(?:[^\p{C}\p{Z}]| ){1,512}$/u;
const HTTPS = String.raw`https:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?`;
const LOOPBACK = String.raw`http:\/\/(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?`;
const ISSUER = new RegExp(String.raw`^(?:${HTTPS}|${LOOPBACK})(?:\/[A-Za-z0-9._~%\/-]*)?$`);
const POLICY = new RegExp(String.raw`^${HTTPS}(?:\/[!-~]*)?$`);

/** The token is refused; `code` says by which check. For the operator only. */
export class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** The caller's mistake: nothing was verified. */
export class ConfigurationError extends Error {}

function demand(condition, code) {
  if (!condition) throw new Refusal(code);
}

function configured(condition, what) {
  if (!condition) throw new ConfigurationError(`ill-formed ${what}`);
}

/** Remembers accepted tokens until they expire; full, it refuses and never forgets. */
export class MemoryReplayStore {
  #seen = new Map();
  #capacity;

  constructor(capacity) {
    this.#capacity = capacity;
  }

  /** True: recorded now. False: recorded before. Throws if it cannot say. */
  async claim(key, expiresAt, now) {
    // A store for production keeps them in order of expiry; this one looks at all.
    for (const [old, until] of this.#seen) if (until <= now) this.#seen.delete(old);
    if (this.#seen.has(key)) return false;
    if (this.#seen.size >= this.#capacity) throw new Error("full");
    this.#seen.set(key, expiresAt);
    return true;
  }
}

export class TokenVerifier {
  /** `issuers`: {iss: JWK Set as JSON text}; `leewaySeconds`: 0 to 60. */
  static async create({ issuers, audience, replayStore, leewaySeconds }) {
    configured(Object.keys(issuers).length > 0, "issuers");
    configured(AUDIENCE.test(audience), "audience");
    const leewayIsGood = Number.isInteger(leewaySeconds) && leewaySeconds >= 0;
    configured(leewayIsGood && leewaySeconds <= 60, "leeway");
    const pinned = new Map();
    for (const [issuer, text] of Object.entries(issuers)) {
      configured(issuer.length <= 512 && ISSUER.test(issuer), "issuer");
      for (const key of await readKeySet(text)) {
        configured(key.kid === key.thumbprint && !pinned.has(key.kid), "kid");
        pinned.set(key.kid, { issuer, ...key });
      }
    }
    return new TokenVerifier(pinned, audience, replayStore, BigInt(leewaySeconds));
  }

  constructor(pinned, audience, replayStore, leeway) {
    Object.assign(this, { pinned, audience, replayStore, leeway });
  }

  /** `now`: whole seconds since 1970. Exactly one of `ageOver` and `ageUnder`. */
  async verify(token, { now, holderProof, ...expectation }) {
    checkExpectation(expectation);
    const { nonce, ageOver, ageUnder, methods, minimumLevel, holderJkt } = expectation;
    const moment = BigInt(now);
    const jws = takeApart(token, MAX_TOKEN); // 1 and 2
    const names = Object.keys(jws.header);
    demand(names.every((name) => ["typ", "alg", "kid"].includes(name)), "malformed_header");
    demand([TYPE, `application/${TYPE}`].includes(jws.header.typ), "wrong_type"); // 3
    const key = this.pinned.get(jws.header.kid); // 4
    demand(key !== undefined, "unknown_key");
    demand(sameAlgorithm(jws.header.alg, key.alg), "wrong_algorithm");
    demand(await isSigned(token, jws, key), "bad_signature"); // 5
    const claims = readClaims(jws.payload); // 6
    demand(claims.iss === key.issuer, "wrong_issuer"); // 7
    demand(claims.aud === this.audience, "wrong_audience"); // 8
    demand(sameText(claims.nonce, nonce), "wrong_nonce"); // 9
    demand(moment < claims.exp + this.leeway, "expired"); // 10
    demand(moment >= claims.iat - this.leeway, "not_yet_valid");
    const lifetime = claims.exp - claims.iat;
    demand(lifetime > 0n && lifetime <= MAX_LIFETIME, "lifetime_too_long");
    const { limit, atOrOver } = claims;
    const isOver = atOrOver && limit >= ageOver;
    const isUnder = !atOrOver && limit <= ageUnder;
    demand(ageOver === undefined ? isUnder : isOver, "age_not_met"); // 11
    checkAssurance(claims, methods, minimumLevel); // 12
    if (holderProof !== undefined || holderJkt !== undefined) {
      const bound = claims.jkt !== undefined && (holderJkt ?? claims.jkt) === claims.jkt;
      const expected = { aud: this.audience, nonce, token_hash: hash(token).toString("base64url") };
      const farthest = MAX_PROOF_AGE + this.leeway;
      const proven = bound && (await isProof(holderProof, claims.jkt, expected, moment, farthest));
      demand(proven, "holder_proof"); // 13
    }
    await this.#claimOnce(claims, moment); // 14
    return {
      issuer: claims.iss,
      audience: claims.aud,
      age_over: ageOver ?? null,
      age_under: ageUnder ?? null,
      proven_limit: limit,
      method_class: claims.age_method ?? null,
      level: claims.age_assurance ?? null,
      policy_uri: claims.policy ?? null,
      issued_at: Number(claims.iat),
      expires_at: Number(claims.exp),
      holder_jkt: claims.jkt ?? null,
    };
  }

  async #claimOnce(claims, moment) {
    // Over iss, aud and jti, each after its length; not over the token: a signature has two forms.
    const parts = [claims.iss, claims.aud, claims.jti].flatMap((text) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64BE(BigInt(Buffer.byteLength(text)));
      return [length, Buffer.from(text)];
    });
    const key = hash(Buffer.concat(parts)).toString("hex");
    let first;
    try {
      first = await this.replayStore.claim(key, claims.exp + this.leeway, moment);
    } catch {
      first = undefined;
    }
    demand(first !== false, "replayed");
    demand(first === true, "replay_store_unavailable");
  }
}

function checkExpectation({ nonce, ageOver, ageUnder, methods, minimumLevel, holderJkt }) {
  configured(typeof nonce === "string" && NONCE.test(nonce), "nonce");
  configured((ageOver === undefined) !== (ageUnder === undefined), "limit: one of the two");
  const limit = ageOver ?? ageUnder;
  configured(Number.isInteger(limit) && limit >= 1 && limit <= 99, "limit");
  if (methods !== undefined) {
    const known = Array.isArray(methods) && methods.every((method) => METHODS.includes(method));
    configured(known && methods.length > 0, "methods");
  }
  configured(minimumLevel === undefined || LEVELS.includes(minimumLevel), "level");
  const jktIsGood = typeof holderJkt === "string" && THUMBPRINT.test(holderJkt);
  configured(holderJkt === undefined || jktIsGood, "thumbprint");
}

function takeApart(token, maxLength) {
  demand(typeof token === "string" && token.length <= maxLength, "malformed_token");
  const parts = token.split(".").map(decodeBase64url);
  demand(parts.length === 3 && !parts.includes(undefined), "malformed_token");
  const header = parseObject(parts[0]);
  demand(header !== undefined && !("crit" in header) && !("b64" in header), "malformed_header");
  return { header, payload: parts[1], signature: parts[2] };
}

/** EdDSA (RFC 8037) and Ed25519 (RFC 9864) name one algorithm. */
function sameAlgorithm(one, other) {
  const names = ["EdDSA", "Ed25519"];
  return one === other || (names.includes(one) && names.includes(other));
}

async function isSigned(token, jws, { key, alg }) {
  if (alg === "ES256" && jws.signature.length !== 64) return false;
  try {
    await compactVerify(token, key, { algorithms: [jws.header.alg] });
    return true;
  } catch {
    return false;
  }
}

function readClaims(payload) {
  const claims = parseObject(payload);
  demand(claims !== undefined, "malformed_claims");
  const names = Object.keys(claims);
  const age = claims.age_equal_or_over;
  const [[limit, atOrOver] = []] = isObject(age) ? Object.entries(age) : [];
  const { cnf, policy, age_method: method, age_assurance: level } = claims;
  const absentOr = (name, isGood) => !(name in claims) || isGood();
  const isGood =
    REQUIRED.every((name) => names.includes(name)) &&
    names.every((name) => REQUIRED.includes(name) || OPTIONAL.includes(name)) &&
    [claims.iss, claims.aud, claims.nonce, claims.jti].every((text) => typeof text === "string") &&
    TOKEN_ID.test(claims.jti) &&
    isInteger(claims.iat) &&
    isInteger(claims.exp) &&
    isObject(age) &&
    Object.keys(age).length === 1 &&
    /^[1-9][0-9]?$/.test(limit) &&
    typeof atOrOver === "boolean" &&
    absentOr("age_method", () => METHODS.includes(method)) &&
    absentOr("age_assurance", () => LEVELS.includes(level)) &&
    absentOr("policy", () => typeof policy === "string" && policy.length <= 512) &&
    absentOr("policy", () => POLICY.test(policy)) &&
    absentOr("cnf", () => isObject(cnf) && hasExactly(cnf, ["jkt"]) && isThumbprint(cnf.jkt));
  demand(isGood, "malformed_claims");
  return { ...claims, limit: Number(limit), atOrOver, jkt: cnf?.jkt };
}

function isThumbprint(value) {
  return typeof value === "string" && THUMBPRINT.test(value);
}

function hasExactly(members, names) {
  const present = Object.keys(members);
  return present.length === names.length && names.every((name) => present.includes(name));
}

function checkAssurance({ age_method: method, age_assurance: level }, methods, minimumLevel) {
  if (methods === undefined) demand(method !== "declaration", "assurance_not_met");
  else demand(methods.includes(method), "assurance_not_met");
  const missing = LEVELS.indexOf(minimumLevel) - LEVELS.indexOf(level); // -1 where it is not told
  demand(minimumLevel === undefined || missing <= 0, "assurance_not_met");
}

async function isProof(proof, jkt, expected, moment, farthest) {
  try {
    const jws = takeApart(proof, MAX_PROOF);
    const { typ, alg, jwk } = jws.header;
    const names = Object.hasOwn(PROOF_KEYS, alg) ? PROOF_KEYS[alg] : [];
    if (!hasExactly(jws.header, ["typ", "alg", "jwk"]) || typ !== PROOF_TYPE) return false;
    if (!isObject(jwk) || names.length === 0 || !hasExactly(jwk, names)) return false;
    const key = await readKey({ ...jwk, kid: "holder" });
    if (key.thumbprint !== jkt || !sameAlgorithm(alg, key.alg)) return false;
    if (!(await isSigned(proof, jws, key))) return false;
    const { iat, ...said } = parseObject(jws.payload) ?? {};
    const isExpected = Object.entries(expected).every(([name, value]) => said[name] === value);
    if (!isInteger(iat) || !isExpected || !hasExactly(said, Object.keys(expected))) return false;
    const distance = moment > iat ? moment - iat : iat - moment;
    return distance <= farthest;
  } catch {
    return false;
  }
}

function sameText(one, other) {
  return timingSafeEqual(hash(one), hash(other));
}

function hash(data) {
  return createHash("sha256").update(data).digest();
}
