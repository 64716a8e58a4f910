/**
 * Groups messages by what they have in common, one after the other: messages of the same tokens are of one template; where
 * several templates differ in one word alone, that word varies, and they become one. A message is judged as it comes; what
 * later messages teach is told as a merge. Pure: no clock, and the same messages give the same templates.
 *
 * It is a sibling of Drain (He et al., ICWS 2017) without its depth and its threshold of similarity: that one word differs
 * is asked of an index by all the others.
 */
import { RecentForms } from "./recent_forms.ts";
import { isWildcard, Scanner, type TokenizedMessage, WILDCARD } from "./tokens.ts";
import { WordIndex } from "./word_index.ts";

/** Words at one place from which on the place is taken for a value. */
const VALUES_MIN = 4;
/** Words with a letter that a template must keep: two that share less are not the same. */
const WORDS_MIN = 2;
/** A group of messages. */
export interface Template {
  /** Grows with each new template; stays when it is merged with younger ones. */
  readonly id: number;
  readonly tokens: readonly string[];
  /** Whether a space stands before each token. */
  readonly spaced: readonly boolean[];
  readonly text: string;
  readonly count: number;
}

/** A template that became part of an older one. */
export interface Merge {
  readonly from: number;
  readonly into: number;
}

interface Node extends Template {
  tokens: readonly string[];
  spaced: readonly boolean[];
  text: string;
  count: number;
  /** The template that it was merged into. */
  into: Node | null;
  /** When it was met last, in messages. */
  lastSeen: number;
}

export interface TreeLimits {
  /** Templates kept; beyond that the ones met longest ago are forgotten. */
  readonly templatesMax: number;
  /** Ways of writing them that are known by heart, beside the one of each. */
  readonly formsMax: number;
}

const LIMITS: TreeLimits = { templatesMax: 10_000, formsMax: 50_000 };

export class TemplateTree {
  readonly #limits: TreeLimits;
  readonly #scanner = new Scanner();
  /** Templates by their tokens, joined: as they are, and as messages of theirs have been written. */
  #forms = new Map<string, Node>();
  /** Some of them. */
  readonly #recent = new RecentForms<Node>();
  #nodes = new Map<number, Node>();
  readonly #index = new WordIndex<Node>(isWord);
  #messages = 0;
  #ids = 0;

  constructor(limits: Partial<TreeLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get templates(): readonly Template[] {
    return [...this.#nodes.values()];
  }

  /** The template of that id; undefined where it was merged or forgotten. */
  find(id: number): Template | undefined {
    return this.#nodes.get(id);
  }

  /** Takes up a template as it was known before: {@link Template.id} of one that is taken up earlier is smaller. */
  restore(template: TokenizedMessage & { readonly count: number }): Template {
    const { tokens, spaced, count } = template;
    const node: Node = {
      id: ++this.#ids,
      tokens,
      spaced,
      text: textOf(template),
      count,
      into: null,
      lastSeen: this.#messages,
    };
    this.#recent.clear();
    this.#forms.set(tokens.join("\n"), node);
    this.#nodes.set(node.id, node);
    this.#index.add(node);
    return node;
  }

  /** Forgets a template: its messages are new when they come again. */
  forget(id: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#index.delete(node);
    this.#nodes.delete(id);
    this.#recent.clear();
    for (const [form, known] of this.#forms) if (rootOf(known) === node) this.#forms.delete(form);
  }

  /** The template of a message, and the merges that it has led to, oldest first. */
  add(message: string): { readonly template: Template; readonly merges: readonly Merge[] } {
    const scanner = this.#scanner;
    scanner.scan(message);
    this.#messages++;
    const recent = this.#recent.find(scanner);
    if (recent !== undefined) return { template: this.#count(recent), merges: NONE };
    const form = scanner.form();
    const known = this.#forms.get(form);
    if (known === undefined) return this.#learn(scanner.result(form), form);
    this.#recent.remember(scanner, known);
    return { template: this.#count(known), merges: NONE };
  }

  #count(known: Node): Node {
    const node = rootOf(known);
    node.count++;
    node.lastSeen = this.#messages;
    return node;
  }

  #learn(tokenized: TokenizedMessage, form: string): { template: Template; merges: readonly Merge[] } {
    this.#makeRoom();
    const node: Node = {
      id: ++this.#ids,
      tokens: tokenized.tokens,
      spaced: tokenized.spaced,
      text: textOf(tokenized),
      count: 1,
      into: null,
      lastSeen: this.#messages,
    };
    this.#forms.set(form, node);
    this.#nodes.set(node.id, node);
    this.#index.add(node);
    const merges: Merge[] = [];
    this.#mergeAround(node, merges);
    return { template: rootOf(node), merges };
  }

  /** Merges what differs from a template in one word alone, as often as that leads to another. */
  #mergeAround(start: Node, merges: Merge[]): void {
    for (let node: Node | null = rootOf(start); node !== null;) node = this.#mergeOnce(node, merges);
  }

  #mergeOnce(node: Node, merges: Merge[]): Node | null {
    let best: { place: number; members: readonly Node[]; weight: number } | null = null;
    for (const { place, members } of this.#index.differingInOne(node.tokens)) {
      const weight = weightOf(members, place);
      if (weight > (best?.weight ?? 0)) best = { place, members, weight };
    }
    return best === null ? null : this.#merge(best.members, best.place, merges);
  }

  #merge(members: readonly Node[], place: number, merges: Merge[]): Node {
    const oldest = members.reduce((a, b) => a.id < b.id ? a : b);
    for (const member of members) this.#index.delete(member);
    const generalised = withWildcard(oldest, place);
    const form = generalised.tokens.join("\n");
    // Another template may say exactly that already.
    const same = this.#forms.get(form);
    // It may have been generalised further since, and is never narrowed again.
    const { tokens, spaced } = same === undefined ? generalised : rootOf(same);
    const kept = { tokens, spaced };
    const all = same === undefined ? members : [...members, rootOf(same)];
    const into = all.reduce((a, b) => a.id < b.id ? a : b);
    if (same !== undefined) this.#index.delete(rootOf(same));
    for (const member of new Set(all)) {
      if (member === into) continue;
      member.into = into;
      into.count += member.count;
      into.lastSeen = Math.max(into.lastSeen, member.lastSeen);
      this.#nodes.delete(member.id);
      merges.push({ from: member.id, into: into.id });
    }
    into.tokens = kept.tokens;
    into.spaced = kept.spaced;
    into.text = textOf(kept);
    this.#forms.set(form, into);
    this.#index.add(into);
    return into;
  }

  /** Forgets a tenth of what was met longest ago, where there is no room for more. */
  #makeRoom(): void {
    const { templatesMax, formsMax } = this.#limits;
    if (this.#nodes.size >= templatesMax) {
      const oldest = [...this.#nodes.values()].sort((a, b) => a.lastSeen - b.lastSeen);
      for (const node of oldest.slice(0, Math.ceil(templatesMax / 10))) {
        this.#index.delete(node);
        this.#nodes.delete(node.id);
      }
    } else if (this.#forms.size < this.#nodes.size + formsMax) return;
    this.#recent.clear();
    // The forms of templates that are left, as they are written now.
    this.#forms = new Map([...this.#nodes.values()].map((node) => [node.tokens.join("\n"), node]));
  }
}

const NONE: readonly Merge[] = [];

function rootOf(node: Node): Node {
  let root = node;
  while (root.into !== null) root = root.into;
  if (root !== node) node.into = root;
  return root;
}

/** Whether a token may be a value: no divider. */
const isWord = (token: string): boolean => isWildcard(token) || /[\p{L}\p{N}]/u.test(token);

/** How sure it is that templates differ in a value; 0: they do not. */
function weightOf(members: readonly Node[], place: number): number {
  const words = members.map(({ tokens }) => tokens[place]);
  const values = words.filter((word) => !isWildcard(word));
  const isValue = values.length < words.length;
  if (words.length < (isValue ? 2 : VALUES_MIN) || (place === 0 && !isValue)) return 0;
  // Words in capitals are states, and so is what has been done, where all are of that kind: a few of them make different
  // messages. Not where a wildcard stands there too: its shape has said already that the place is a value.
  if (!isValue && (values.filter(isState).length * 2 >= values.length || values.every(isDone))) return 0;
  const { tokens } = members[0];
  let kept = 0;
  tokens.forEach((token, at) => {
    if (at !== place && !isWildcard(token) && /\p{L}/u.test(token)) kept++;
  });
  // Values that differ in their unit alone are the same.
  if (kept < WORDS_MIN && values.length > 0) return 0;
  return (isValue ? 1_000_000 : 0) + words.length * 1_000 + kept;
}

const isState = (word: string): boolean => /^[A-Z][A-Z_]{2,}$/.test(word);
const isDone = (word: string): boolean => /^[A-Za-z][a-z]+ed$/.test(word);

/** With a wildcard at the place; wildcards side by side are one. */
function withWildcard({ tokens, spaced }: TokenizedMessage, place: number): TokenizedMessage {
  const merged: { tokens: string[]; spaced: boolean[] } = { tokens: [], spaced: [] };
  tokens.forEach((token, at) => {
    const next = at === place ? WILDCARD : token;
    if (isWildcard(next) && isWildcard(merged.tokens.at(-1) ?? "")) return;
    merged.tokens.push(next);
    merged.spaced.push(spaced[at]);
  });
  return merged;
}

function textOf({ tokens, spaced }: TokenizedMessage): string {
  return tokens.map((token, at) => (at > 0 && spaced[at] ? " " : "") + token).join("");
}
