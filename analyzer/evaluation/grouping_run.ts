/** How well messages are grouped, beside a truth: GA, FGA, PA and FTA as Jiang et al. define them (ISSTA 2024, Loghub-2.0). */
import type { Redactor } from "../errors/redactor.ts";
import { TemplateTree } from "../errors/template_tree.ts";
import { correctTemplate } from "./template_correction.ts";

/** A line and what people have made of it. */
export interface TrueLine {
  readonly message: string;
  readonly event: string;
  readonly template: string;
}

export interface GroupingReport {
  readonly lines: number;
  readonly trueGroups: number;
  readonly groups: number;
  /** Share of lines whose group is exactly the truth's, at the end. */
  readonly ga: number;
  /** F1 of groups. */
  readonly fga: number;
  /** Share of lines whose template is the truth's, letter by letter, both corrected. */
  readonly pa: number;
  /** F1 of templates that are the truth's and have exactly its lines. */
  readonly fta: number;
  /** GA of the groups that lines were given as they came, before what was learned later. */
  readonly streamingGa: number;
}

/** @param redactor Goes over each message first, as it does over errors; null: nothing does. */
export function runGrouping(lines: readonly TrueLine[], redactor: Redactor | null): GroupingReport {
  const tree = new TemplateTree();
  const into = new Map<number, number>();
  const texts = new Map<number, string>();
  const judged = lines.map(({ message }) => {
    const { template, merges } = tree.add(redactor?.redact(message) ?? message);
    for (const merge of merges) into.set(merge.from, merge.into);
    return template.id;
  });
  for (const { id, text } of tree.templates) texts.set(id, text);
  const final = judged.map((id) => rootOf(into, id));
  const templates = final.map((id) => correctTemplate(texts.get(id) ?? ""));
  const truth = lines.map(({ event }) => event);
  const trueTemplates = lines.map(({ template }) => correctTemplate(template));
  const { ga, fga, groups, trueGroups } = groupingOf(final, truth);
  return {
    lines: lines.length,
    trueGroups,
    groups,
    ga,
    fga,
    pa: templates.filter((template, at) => template === trueTemplates[at]).length / lines.length,
    fta: templateAccuracy(templates, trueTemplates),
    streamingGa: groupingOf(judged, truth).ga,
  };
}

function rootOf(into: ReadonlyMap<number, number>, id: number): number {
  let root = id;
  for (let next = into.get(root); next !== undefined; next = into.get(root)) root = next;
  return root;
}

interface Grouping {
  readonly ga: number;
  readonly fga: number;
  readonly groups: number;
  readonly trueGroups: number;
}

/** A group is right where it has the lines of a group of the truth, all of them and no others. */
export function groupingOf(found: readonly (string | number)[], truth: readonly string[]): Grouping {
  const groups = linesBy(found);
  const trueGroups = linesBy(truth);
  let lines = 0;
  let hits = 0;
  for (const members of groups.values()) {
    const event = truth[members[0]];
    const isRight = members.every((line) => truth[line] === event) && trueGroups.get(event)?.length === members.length;
    if (!isRight) continue;
    hits++;
    lines += members.length;
  }
  return {
    ga: lines / truth.length,
    fga: 2 * hits / (groups.size + trueGroups.size),
    groups: groups.size,
    trueGroups: trueGroups.size,
  };
}

/** F1 of templates: one is right where all its lines have it as the truth. */
export function templateAccuracy(found: readonly string[], truth: readonly string[]): number {
  const groups = linesBy(found);
  let hits = 0;
  for (const [template, members] of groups) if (members.every((line) => truth[line] === template)) hits++;
  return 2 * hits / (groups.size + linesBy(truth).size);
}

function linesBy<T>(values: readonly T[]): Map<T, number[]> {
  return Map.groupBy(values.keys(), (line) => values[line]);
}
