import { expect } from "expect";
import { levelOfNumber, levelOfOtelSeverity, levelOfSyslogSeverity, normalizeLevel } from "./level.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a reader sees: the canonical bytes, or the span itself. */
function normalized(level: string): string {
  const bytes = encoder.encode(`>${level}<`);
  return decoder.decode(normalizeLevel(bytes, 1, bytes.length - 1) ?? bytes.subarray(1, bytes.length - 1));
}

const text = (level: Uint8Array | null): string | null => level && decoder.decode(level);

Deno.test("the usual names of a level, in any case, become one of six", () => {
  const spellings = {
    TRACE: "TRACE trace Verbose finest v",
    DEBUG: "DEBUG debug Debug dbg fine",
    INFO: "INFO info Information notice I",
    WARN: "WARN warn WARNING Warning wrn",
    ERROR: "ERROR error Err SEVERE E",
    FATAL: "FATAL fatal CRITICAL crit alert emerg Panic F",
  };
  for (const [level, words] of Object.entries(spellings)) {
    for (const word of words.split(" ")) expect([word, normalized(word)]).toEqual([word, level]);
  }
});

Deno.test("canonical names keep their span", () => {
  for (const level of ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]) {
    expect(normalizeLevel(encoder.encode(level), 0, level.length)).toBeNull();
  }
});

Deno.test("spaces around a level do not count", () => {
  expect(normalized("INFO ")).toBe("INFO");
  expect(normalized("  warn")).toBe("WARN");
  expect(normalized(" AUDIT ")).toBe("AUDIT");
});

Deno.test("unknown words are kept in upper case, and never made into a known one", () => {
  for (
    const [word, level] of [["audit", "AUDIT"], ["Info!", "INFO!"], ["INFORM", "INFORM"], ["ünï", "üNï"], [
      "\x09nfo",
      "\x09NFO",
    ]]
  ) {
    expect(normalized(word)).toBe(level);
  }
});

Deno.test("an empty level and one of more than 32 bytes are none", () => {
  for (const level of ["", "   ", "x".repeat(33)]) {
    expect(normalizeLevel(encoder.encode(level), 0, level.length)?.length).toBe(0);
  }
  expect(normalized("x".repeat(32))).toBe("X".repeat(32));
});

Deno.test("numbers are read in the numbering that they belong to", () => {
  expect([10, 20, 30, 40, 50, 60, 35].map((n) => text(levelOfNumber(n)))).toEqual(
    ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "INFO"],
  );
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((n) => text(levelOfSyslogSeverity(n)))).toEqual(
    ["FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"],
  );
  expect([1, 4, 5, 9, 13, 17, 21, 24].map((n) => text(levelOfOtelSeverity(n)))).toEqual(
    ["TRACE", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "FATAL"],
  );
  expect([100, 200, 250, 300, 400, 550].map((n) => text(levelOfNumber(n)))).toEqual(
    ["DEBUG", "INFO", "INFO", "WARN", "ERROR", "FATAL"],
  );
  expect([-1, 8, 9, 70, 99, 700, 1.5].map(levelOfNumber)).toEqual(Array(7).fill(null));
  expect([0, 25, 1.5].map(levelOfOtelSeverity)).toEqual([null, null, null]);
  expect(normalized("30")).toBe("INFO");
  expect(normalized("3")).toBe("ERROR");
  expect(normalized("99")).toBe("99");
});
