// JWK Sets: refused as a whole if one key must not be used.

import { calculateJwkThumbprint, importJWK } from "jose";

import { decodeBase64url } from "./base64url.js";
import { isObject, parseObject } from "./strict-json.js";

const MAX_KEYS = 100;
const MAX_BYTES = 256 * 1024;
const SECRET = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const ALGORITHMS = { EC: ["ES256"], RSA: ["PS256", "RS256"], OKP: ["EdDSA", "Ed25519"] };
const DEFAULT_ALGORITHM = { EC: "ES256", OKP: "EdDSA" };

export class KeySetError extends Error {
  code = "bad_key_set";
}

/** Reads a JWK Set from text or bytes; gives an array of {kid, alg, thumbprint, key}. */
export async function readKeySet(source) {
  const wellFormed = typeof source !== "string" || source.isWellFormed();
  const bytes = typeof source === "string" ? new TextEncoder().encode(source) : source;
  const set = wellFormed && bytes.length <= MAX_BYTES ? parseObject(bytes) : undefined;
  const members = set?.keys;
  if (!Array.isArray(members) || members.length < 1 || members.length > MAX_KEYS) refuse();
  const keys = [];
  for (const member of members) keys.push(await readKey(member));
  if (new Set(keys.map((key) => key.kid)).size !== keys.length) refuse();
  return keys;
}

export async function readKey(jwk) {
  if (!isObject(jwk) || SECRET.some((name) => name in jwk)) refuse();
  if ("use" in jwk && jwk.use !== "sig") refuse();
  if ("key_ops" in jwk && JSON.stringify(jwk.key_ops, asText) !== '["verify"]') refuse();
  const bare = bareKey(jwk);
  const alg = "alg" in jwk ? jwk.alg : DEFAULT_ALGORITHM[bare.kty];
  if (!ALGORITHMS[bare.kty].includes(alg) || !isName(jwk.kid)) refuse();
  try {
    const thumbprint = await calculateJwkThumbprint(bare, "sha256");
    return { kid: jwk.kid, alg, thumbprint, key: await importJWK(bare, alg) };
  } catch {
    return refuse();
  }
}

/** The members that make up the key, checked. */
function bareKey({ kty, crv, x, y, n, e }) {
  if (kty === "EC" && crv === "P-256" && isCoordinate(x) && isCoordinate(y)) {
    if (isOnP256(toInteger(x), toInteger(y))) return { kty, crv, x, y };
  } else if (kty === "OKP" && crv === "Ed25519" && isCoordinate(x)) {
    if (isGoodEd25519(x)) return { kty, crv, x };
  } else if (kty === "RSA" && isUnsigned(n) && isUnsigned(e)) {
    if (isGoodRsa(toInteger(n), toInteger(e))) return { kty, n, e };
  }
  return refuse();
}

function refuse() {
  throw new KeySetError("the key set is refused");
}

function asText(_name, value) {
  return typeof value === "bigint" ? String(value) : value;
}

/** 1 to 256 printable characters. */
function isName(kid) {
  return typeof kid === "string" && /^(?:[^\p{C}\p{Z}]| ){1,256}$/u.test(kid);
}

function isCoordinate(text) {
  return decodeBase64url(text)?.length === 32;
}

function isUnsigned(text) {
  const bytes = decodeBase64url(text);
  return bytes !== undefined && bytes.length > 0 && bytes[0] !== 0;
}

function toInteger(text) {
  return BigInt(`0x${decodeBase64url(text).toString("hex")}`);
}

function power(base, exponent, modulus) {
  let result = 1n;
  for (let square = base % modulus; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

const P256 = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

function isOnP256(x, y) {
  return x < P256 && y < P256 && (y * y - x * x * x + 3n * x - P256_B) % P256 === 0n;
}

// Modulo these primes a modulus with CVE-2017-15361 is a power of 65537.
const ROCA_PRIMES = [
  11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n, 127n, 151n, 157n,
];

function isGoodRsa(n, e) {
  const bits = n.toString(2).length;
  if (bits < 2048 || bits > 8192 || !(n & 1n)) return false;
  if (e < 3n || !(e & 1n) || e >= 2n ** 64n) return false;
  return !ROCA_PRIMES.every((prime) => {
    for (let i = 0n; i < prime; i += 1n) if (power(65537n, i, prime) === n % prime) return true;
    return false;
  });
}

const P = 2n ** 255n - 19n;
const D = (((-121665n * power(121666n, P - 2n, P)) % P) + P) % P;
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SMALL_ORDER_Y = [0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y];

/** A canonical point of the curve whose order is large; not every library looks. */
function isGoodEd25519(x) {
  const reversed = Buffer.from(decodeBase64url(x)).reverse().toString("hex");
  const y = BigInt.asUintN(255, BigInt(`0x${reversed}`));
  const ySquared = (y * y) % P;
  const isSquare = power((ySquared - 1n + P) * (D * ySquared + 1n), (P - 1n) / 2n, P) <= 1n;
  return y < P && isSquare && !SMALL_ORDER_Y.includes(y);
}
