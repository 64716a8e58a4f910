/**
 * Parsers of a worker's topics: a few each, which their partitions share. One has a megabyte of what it remembers, and has to be
 * compiled; with only one, hundreds of partitions in turns would forget each other's values.
 */
import { Kernel } from "../kernel/kernel.ts";
import type { Assignment } from "../protocol.ts";
import type { CompiledParser, Parser, ParserOptions } from "./parser.ts";

const PER_TOPIC = 8;

/** A parser made ready, and the kernel to remember tuples with: its own, where it has one. */
export interface ReadyParser {
  readonly parser: CompiledParser;
  readonly kernel: Kernel;
}

export function makeReady(parser: Parser, options: ParserOptions): ReadyParser {
  const compiled = parser.compile(options);
  return { parser: compiled, kernel: compiled.kernel ?? new Kernel() };
}

export class SharedParsers {
  /** By topic, then by format and options, then by place. */
  readonly #topics = new Map<string, Map<string, (ReadyParser | undefined)[]>>();

  /** The parser of a partition. What it is used for between two of its calls must not matter to who calls it. */
  of(
    { topicId, partition, preset }: Pick<Assignment, "topicId" | "partition" | "preset">,
    parser: Parser,
    options: ParserOptions,
  ): ReadyParser {
    const { timeZone, mapping } = options;
    const key = JSON.stringify([parser.name, preset, timeZone, mapping]);
    let topic = this.#topics.get(topicId);
    if (topic === undefined) this.#topics.set(topicId, topic = new Map());
    let shared = topic.get(key);
    if (shared === undefined) topic.set(key, shared = new Array(PER_TOPIC).fill(undefined));
    const place = partition % PER_TOPIC;
    return shared[place] ??= makeReady(parser, options);
  }

  /** The topic is not read here any more. */
  forget(topicId: string): void {
    this.#topics.delete(topicId);
  }
}
