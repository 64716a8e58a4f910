/** Patterns of messages by service and level: a tree each, and one numbering over all. Pure. */
import { createHash } from "node:crypto";
import { TemplateTree, type TreeLimits } from "./template_tree.ts";

/** What messages have in common. */
export interface Pattern {
  readonly number: number;
  /** Follows from service, level and template alone. */
  readonly id: string;
  readonly service: string;
  readonly level: string;
  readonly template: string;
  readonly count: number;
}

interface Entry {
  readonly tree: TemplateTree;
  readonly service: string;
  readonly level: string;
  /** Numbers of the tree's templates. */
  readonly numbers: Map<number, number>;
}

export class PatternBook {
  readonly #entries = new Map<string, Entry>();
  /** By number: where it is from, and the number that it was merged into, or its own. */
  readonly #sources: { readonly entry: Entry; readonly template: number; into: number }[] = [];

  readonly #limits: Partial<TreeLimits>;

  /** @param limits Of each tree. */
  constructor(limits: Partial<TreeLimits> = {}) {
    this.#limits = limits;
  }

  /** Patterns that there are. */
  get patterns(): number {
    let count = 0;
    this.#sources.forEach(({ into }, number) => {
      if (into === number) count++;
    });
    return count;
  }

  /** Judges a message; answers the number of its pattern, which stays good where that is merged. */
  add(service: string, level: string, message: string): number {
    const key = `${service}\n${level}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { tree: new TemplateTree(this.#limits), service, level, numbers: new Map() };
      this.#entries.set(key, entry);
    }
    const { template, merges } = entry.tree.add(message);
    for (const { from, into } of merges) {
      this.#sources[this.#numberOf(entry, from)].into = this.#numberOf(entry, into);
    }
    return this.#numberOf(entry, template.id);
  }

  #numberOf(entry: Entry, template: number): number {
    let number = entry.numbers.get(template);
    if (number === undefined) {
      number = this.#sources.length;
      this.#sources.push({ entry, template, into: number });
      entry.numbers.set(template, number);
    }
    return number;
  }

  /** The pattern that a number stands for now. */
  patternOf(number: number): Pattern {
    let root = number;
    while (this.#sources[root].into !== root) root = this.#sources[root].into;
    const { entry: { service, level, tree }, template } = this.#sources[root];
    const found = tree.find(template);
    const text = found?.text ?? "";
    return { number: root, id: idOf(service, level, text), service, level, template: text, count: found?.count ?? 0 };
  }
}

function idOf(service: string, level: string, template: string): string {
  return createHash("sha256").update(JSON.stringify([service, level, template])).digest("hex").slice(0, 12);
}
