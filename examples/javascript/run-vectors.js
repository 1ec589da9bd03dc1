// Runs all vectors: node run-vectors.js FOLDER. Prints a summary as JSON; status 1 if one is wrong.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { KeySetError, readKeySet } from "./key-set.js";
import { ConfigurationError, MemoryReplayStore, Refusal, TokenVerifier } from "./verifier.js";

function vectorsOf(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".json"));
  return files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
}

async function outcomeOf(work) {
  try {
    return { accept: await work() };
  } catch (error) {
    if (error instanceof Refusal) return { refuse: error.code };
    if (error instanceof ConfigurationError) return { configuration_error: true };
    if (error instanceof KeySetError) return { refuse: error.code };
    throw error;
  }
}

function madeVerifier({ issuers, audience, leeway_seconds: leewaySeconds, replay_store: store }) {
  const down = { claim: () => Promise.reject(new Error("down")) };
  const texts = Object.entries(issuers).map(([issuer, set]) => [issuer, JSON.stringify(set)]);
  return TokenVerifier.create({
    issuers: Object.fromEntries(texts),
    audience,
    leewaySeconds,
    replayStore: store.available ? new MemoryReplayStore(store.capacity) : down,
  });
}

async function tokenOutcomes(vector) {
  let verifier;
  try {
    verifier = await madeVerifier(vector.verifier);
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof KeySetError)) throw error;
    return "not constructed";
  }
  const outcomes = [];
  for (const call of vector.calls) {
    const expectation = {
      now: call.clock.epoch_seconds,
      nonce: call.nonce,
      ageOver: call.age_over,
      ageUnder: call.age_under,
      methods: call.methods,
      minimumLevel: call.minimum_level,
      holderJkt: call.holder_jkt,
      holderProof: call.holder_proof,
    };
    outcomes.push(await outcomeOf(() => verifier.verify(call.token, expectation)));
  }
  return outcomes;
}

async function keySetOutcome({ key_set: text, key_set_base64url: encoded }) {
  const source = encoded === undefined ? text : Buffer.from(encoded, "base64url");
  return outcomeOf(async () => ({ kids: (await readKeySet(source)).map((key) => key.kid) }));
}

const folder = process.argv[2];
const summary = { tokens: 0, key_sets: 0, wrong: [] };
function compare(id, got, expected) {
  if (!isDeepStrictEqual(got, expected)) summary.wrong.push({ id, got, expected });
}
for (const vector of vectorsOf(join(folder, "tokens"))) {
  summary.tokens += 1;
  const expectations = vector.calls.map((call) => call.expect);
  const expected = vector.construction_error ? "not constructed" : expectations;
  compare(vector.id, await tokenOutcomes(vector), expected);
}
for (const vector of vectorsOf(join(folder, "key_sets"))) {
  summary.key_sets += 1;
  compare(vector.id, await keySetOutcome(vector), vector.expect);
}
console.log(JSON.stringify(summary, null, 1));
process.exitCode = summary.wrong.length > 0 ? 1 : 0;
