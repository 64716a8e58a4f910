/** Marks that begin close to one another, as one with a count: a storm of them leaves the chart to be read. Pure. */
import type { Mark } from "./chart.ts";

/** Marks that begin within so much of the range: about what the flag of one is wide on a small chart. */
const GROUP_SHARE = 1 / 30;
/** Of a kind, on a chart: more hide what they mark. */
const GROUPS_MAX = 12;
/** Named in a sentence; a list has them all. */
const NAMED_MAX = 3;

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Marks and groups of them, each kind apart, the latest to begin first; of too many the latest. */
export function groupMarks(marks: readonly Mark[], range: Range): Mark[] {
  const spanMs = (range.toMs - range.fromMs) * GROUP_SHARE;
  /** What began before the range is drawn from its edge on. */
  const startOf = ({ fromMs }: Mark) => Math.max(fromMs, range.fromMs);
  const groups: Mark[][] = [];
  for (const mark of marks.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const near = groups.find(([first]) => first.kind === mark.kind && startOf(mark) - startOf(first) < spanMs);
    if (near === undefined) groups.push([mark]);
    else near.push(mark);
  }
  const merged = groups.reverse().map(mergedOf);
  const shown = new Map<Mark["kind"], number>();
  return merged.filter(({ kind }) => {
    shown.set(kind, (shown.get(kind) ?? 0) + 1);
    return (shown.get(kind) ?? 0) <= GROUPS_MAX;
  });
}

function mergedOf(members: readonly Mark[]): Mark {
  const [first] = members;
  if (members.length === 1) return first;
  return {
    kind: first.kind,
    fromMs: first.fromMs,
    toMs: Math.max(...members.map(({ toMs }) => toMs)),
    isOver: members.every(({ isOver }) => isOver === true),
    label: `${members.length} ${first.kind}s`,
    members: members.toReversed(),
  };
}

/** A mark, or those that it stands for. */
export const membersOf = (mark: Mark): readonly Mark[] => mark.members ?? [mark];

/** "a; b; c and 2 more" */
export function namesOf(members: readonly Mark[]): string {
  const named = members.slice(0, NAMED_MAX).map(({ label }) => label).join("; ");
  return members.length > NAMED_MAX ? `${named} and ${members.length - NAMED_MAX} more` : named;
}
