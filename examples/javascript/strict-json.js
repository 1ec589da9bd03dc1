// One strict JSON object. JSON.parse is not enough: it keeps the last of two equal members, rounds
// large integers, and accepts lone surrogates, any number and any depth.

const MAX_DEPTH = 8;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
const LITERALS = { true: true, false: false, null: null };

class NotStrict extends Error {}

/** Reads UTF-8 bytes; undefined for anything but one object. Members have no prototype. */
export function parseObject(bytes) {
  try {
    // ignoreBOM keeps a byte order mark in the text, where it is no white space.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const reader = new Reader(text);
    const value = reader.value(0);
    reader.skipSpace();
    return reader.at === text.length && isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof NotStrict || error instanceof TypeError) return undefined;
    throw error;
  }
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An integer as this parser gives it: a bigint. It gives no other number. */
export function isInteger(value) {
  return typeof value === "bigint";
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    this.skipSpace();
    const first = this.text[this.at];
    if (first === "{" || first === "[") {
      if (depth === MAX_DEPTH) throw new NotStrict();
      return first === "{" ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (first === '"') return this.string();
    for (const [word, value] of Object.entries(LITERALS)) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.integer();
  }

  object(depth) {
    const members = Object.create(null); // "__proto__" is a name like any other
    this.items("}", () => {
      this.skipSpace();
      const name = this.string();
      if (name in members) throw new NotStrict();
      this.skipSpace();
      this.expect(":");
      members[name] = this.value(depth);
    });
    return members;
  }

  array(depth) {
    const values = [];
    this.items("]", () => values.push(this.value(depth)));
    return values;
  }

  items(close, readOne) {
    this.at += 1;
    this.skipSpace();
    if (this.text[this.at] === close) {
      this.at += 1;
      return;
    }
    for (;;) {
      readOne();
      this.skipSpace();
      if (this.text[this.at] !== ",") break;
      this.at += 1;
    }
    this.expect(close);
  }

  string() {
    const value = JSON.parse(this.match(STRING));
    if (!value.isWellFormed()) throw new NotStrict(); // a lone surrogate
    return value;
  }

  integer() {
    const text = this.match(NUMBER);
    if (text.length > 20 || !/^-?[0-9]+$/.test(text)) throw new NotStrict();
    const value = BigInt(text);
    if (value !== BigInt.asIntN(64, value)) throw new NotStrict();
    return value;
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) throw new NotStrict();
    this.at = pattern.lastIndex;
    return found[0];
  }

  expect(character) {
    if (this.text[this.at] !== character) throw new NotStrict();
    this.at += 1;
  }

  skipSpace() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }
}
