/** The rules in force: those of the file, read again when it changes, or the built-in ones. */
import { DEFAULT_RULES, DEFAULT_RULES_NAME } from "../../analyzer/alerts/default_rules.ts";
import { remarksOnSilences } from "../../analyzer/alerts/matching.ts";
import { parseRules, type RuleSet } from "../../analyzer/alerts/rules_file.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";

/** Reads and checks a file of rules; "": the built-in ones. Throws INVALID_CONFIG or FILE_UNAVAILABLE. */
export function readRules(file: string): RuleSet {
  return file === "" ? parseRules(DEFAULT_RULES, DEFAULT_RULES_NAME) : parseRules(readText(file), file);
}

function readText(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const why = cause instanceof Deno.errors.NotFound ? "no such file" : messageOf(cause);
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `rules ${file}: ${why}`,
      "name a file that this user can read in analyzer.rulesFile, or leave it out for the built-in rules",
      { cause },
    );
  }
}

/** Follows a file: a broken one is told of, and the rules before it stay in force. */
export class RulesSource {
  readonly #file: string;
  readonly #onNotice: (message: string) => void;
  #rules: RuleSet;
  #mark = "";
  /** Whether the rules in force are of the file. */
  #isOfFile = false;

  constructor(file: string, onNotice: (message: string) => void) {
    this.#file = file;
    this.#onNotice = onNotice;
    this.#rules = readRules("");
    this.current();
  }

  /** The rules of now. */
  current(): RuleSet {
    if (this.#file === "") return this.#rules;
    const mark = markOf(this.#file);
    if (mark === this.#mark) return this.#rules;
    this.#mark = mark;
    try {
      this.#rules = readRules(this.#file);
      this.#isOfFile = true;
      for (const remark of remarksOnSilences(this.#rules.silences, Date.now())) this.#onNotice(`warning: ${remark}`);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      const rest = this.#isOfFile ? "the rules before stay in force" : "the built-in rules are in force";
      this.#onNotice(`error: ${error.message}; ${rest}. ${error.remedy}`);
    }
    return this.#rules;
  }
}

/** Changes with the file. */
function markOf(file: string): string {
  try {
    const { mtime, size, ino } = Deno.statSync(file);
    return `${mtime?.getTime()}/${size}/${ino}`;
  } catch {
    return "missing";
  }
}
