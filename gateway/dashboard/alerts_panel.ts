/** Alerts on the overview: what fires first, with what was observed and expected; and why there may be none. */
import { type ComponentChildren, h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { AlertActions, type DecideAlert } from "./alerts_actions.ts";
import { type Alert, type AlertEvaluator, type Alerts, decideAlert } from "./alerts_api.ts";
import { againstOf, countsOf, figureOf, figuresOf, placeOf, standingOf } from "./alerts_words.ts";
import { announce } from "./announcer.ts";
import { Bullet } from "./bullet.ts";
import { inert } from "./inert.ts";
import { Menu } from "./menu.ts";
import { lengthOf } from "./parts.ts";
import { NameField, usePerson } from "./person.ts";
import { SeverityMark } from "./severity.ts";
import { dayOf, minuteOf, stampOf, zoneName } from "./times.ts";

/** Named in the line; the details have them all. */
const NAMED_MAX = 3;
/** Rules are evaluated every few seconds, and that is put down every half minute. */
const SILENT_MS = 120_000;

interface AlertsPanelProps {
  readonly alerts: Alerts | null;
  readonly topic: string;
  readonly nowMs: number;
  /** What people decided is to be asked for again. */
  readonly onDecided: () => Promise<void>;
}

/** Always of one line, whatever fires, so that nothing below it moves; the details lie over what is below. */
export function AlertsPanel({ alerts: known, topic, nowMs, onDecided }: AlertsPanelProps) {
  const { open, over } = sorted(known?.alerts ?? []);
  useTelling(open);
  if (known === null) return h("p", { class: "quiet" }, "This gateway tells nothing of alerts.");
  const { sign, tone, headline, rest } = standing(known.evaluator, { open, over, topic, nowMs });
  return h("div", { class: "alerts-now", "data-severity": loudest(open) }, [
    h("p", { class: "quiet", "data-tone": tone }, [
      h("span", { class: "sign", "aria-hidden": "true" }, sign),
      headline !== "" && h("b", null, headline),
    ]),
    rest === null ? h(Named, { alerts: open }) : h("p", { class: "quiet rest" }, rest),
    open.length + over.length > 0 &&
    h(Menu, {
      title: "Details",
      name: "alerts",
      form: () => h("div", { class: "told" }, h(AlertDetails, { alerts: known, topic, nowMs, onDecided })),
    }),
  ]);
}

/** Each alert with what was observed and expected, and what can be done about it. */
export function AlertDetails({ alerts: known, nowMs, onDecided }: AlertsPanelProps) {
  const person = usePerson();
  const decide: DecideAlert = async (decision, said) => {
    await decideAlert(decision, person.name.trim());
    announce(said);
    await onDecided();
  };
  const { open, over } = sorted(known?.alerts ?? []);
  const ended = h(AlertList, { alerts: over, label: "Alerts that are over", nowMs, decide });
  return [
    open.length > 0 && known !== null && h("div", { class: "alerts-head" }, [
      h("span", { class: "soft" }, rulesOf(known.evaluator)),
      h(NameField, { person }),
    ]),
    open.length > 0 && h(AlertList, { alerts: open, label: "Alerts of now", nowMs, decide }),
    over.length > 0 && open.length > 0
      ? h("details", { class: "over" }, h("summary", null, overOf(over)), ended)
      : over.length > 0 && ended,
  ];
}

const sorted = (alerts: readonly Alert[]) => ({
  open: alerts.filter(({ state }) => state !== "resolved"),
  over: alerts.filter(({ state }) => state === "resolved"),
});

/** The worst severity that people are called for; undefined where there is none. */
function loudest(open: readonly Alert[]): Alert["severity"] | undefined {
  const loud = open.filter(({ state, silenced }) => state !== "pending" && silenced === null);
  return (["critical", "error", "warning", "info"] as const).find((each) =>
    loud.some(({ severity }) => severity === each)
  );
}

/** Says what begins to fire to who does not see it. */
function useTelling(open: readonly Alert[]): void {
  const known = useRef<ReadonlySet<string> | null>(null);
  const firing = open.filter(({ state }) => state === "firing");
  const ids = firing.map(({ id }) => id).join();
  useEffect(() => {
    const before = known.current;
    known.current = new Set(firing.map(({ id }) => id));
    const fresh = before === null ? [] : firing.filter(({ id }) => !before.has(id));
    if (fresh.length > 0) announce(`Alert: ${fresh.map(titleOf).join("; ")}`);
  }, [ids]);
}

const titleOf = (alert: Alert): string => inert(`${alert.rule}${placeOf(alert) === "" ? "" : ` on ${placeOf(alert)}`}`);

/** The first of them, by name. */
function Named({ alerts }: { readonly alerts: readonly Alert[] }) {
  return h(
    "ul",
    { class: "named", "aria-label": "Alerts in short" },
    alerts.slice(0, NAMED_MAX).map((alert) => {
      const figures = figuresOf(alert);
      return h("li", { key: alert.id, title: inert(againstOf(figures)) }, [
        h(SeverityMark, { severity: alert.severity }),
        h("a", { href: alert.link }, h("bdi", null, titleOf(alert))),
        h("b", null, figureOf(figures.observed, figures.unit)),
        alert.state !== "firing" && h("span", { class: "soft" }, alert.state),
      ]);
    }),
  );
}

interface Standing {
  readonly sign: string;
  readonly tone?: "good" | "watch" | "alarm";
  readonly headline: string;
  /** Null where alerts are named in its place. */
  readonly rest: ComponentChildren | null;
}

/** How many there are, and whether rules are evaluated at all; where not, what to do. */
function standing(
  evaluator: AlertEvaluator,
  { open, over, topic, nowMs }: {
    readonly open: readonly Alert[];
    readonly over: readonly Alert[];
    readonly topic: string;
    readonly nowMs: number;
  },
): Standing {
  const { evaluatedAt, rules, rulesFile } = evaluator;
  const code = (text: string) => h("code", null, text);
  if (evaluatedAt === null) {
    return {
      sign: "–",
      headline: "",
      rest: [
        "No rule was ever evaluated: no analyzer runs. ",
        code("deno task dev"),
        " has one unless ",
        code("analyzer.enabled"),
        " is false; beside a cluster start ",
        code("deno task analyzer"),
        ".",
      ],
    };
  }
  const silentMs = nowMs - Date.parse(evaluatedAt);
  if (silentMs > SILENT_MS) {
    return {
      sign: "!",
      tone: "watch",
      headline: countsOf(open),
      rest: [
        ` Rules were last evaluated ${lengthOf(silentMs / 1000)} ago: alerts are as old. Start `,
        code("deno task analyzer"),
        ", or see what it printed last.",
      ],
    };
  }
  if (rules === 0) {
    return {
      sign: "–",
      headline: "",
      rest: [
        `No rule is for ${topic}. `,
        rulesFile === "" ? "" : ["Rules are in ", code(inert(rulesFile)), ". "],
        code("deno task alerts rules"),
        " prints some to begin with.",
      ],
    };
  }
  if (open.length > 0) {
    const isFiring = open.some(({ state }) => state === "firing");
    return { sign: isFiring ? "●" : "○", tone: isFiring ? "alarm" : "watch", headline: countsOf(open), rest: null };
  }
  const ended = over.length === 0 ? "" : `; ${overOf(over)}`;
  return {
    sign: "✓",
    tone: "good",
    headline: over.length === 0 ? "All quiet" : "Quiet now",
    rest: ` ${rulesOf(evaluator)}${ended}`,
  };
}

const overOf = ({ length }: readonly Alert[]): string => `${length} in this range ${length === 1 ? "is" : "are"} over`;

/** How many rules there are, and how far they have looked. */
function rulesOf({ rules, judgedUntil }: AlertEvaluator): string {
  const judged = judgedUntil === null ? "no minute is final yet" : `judged up to ${minuteOf(Date.parse(judgedUntil))}`;
  return `${rules} ${rules === 1 ? "rule" : "rules"}, ${judged}`;
}

function AlertList({ alerts, label, nowMs, decide }: {
  readonly alerts: readonly Alert[];
  readonly label: string;
  readonly nowMs: number;
  readonly decide: DecideAlert;
}) {
  return h(
    "ul",
    { class: "alerts", "aria-label": label },
    alerts.map((alert) => h(AlertRow, { key: alert.id, alert, nowMs, decide })),
  );
}

function AlertRow({ alert, nowMs, decide }: {
  readonly alert: Alert;
  readonly nowMs: number;
  readonly decide: DecideAlert;
}) {
  const { rule, severity, state, summary, runbook, link } = alert;
  const figures = figuresOf(alert);
  const place = placeOf(alert);
  return h("li", { "data-state": state, "data-severity": severity }, [
    h(SeverityMark, { severity }),
    h("div", { class: "what" }, [
      h("a", { href: link, title: "The dashboard at its very minutes" }, [
        h("b", null, h("bdi", null, inert(rule))),
        place !== "" && [" on ", h("bdi", null, inert(place))],
      ]),
      (summary !== "" || runbook !== "") && h("small", null, [
        inert(summary),
        // Whoever writes rules chooses it; another scheme than these is no link.
        /^https?:/.test(runbook) && [" ", h("a", { href: runbook, rel: "noreferrer" }, "Runbook")],
      ]),
    ]),
    h(Bullet, { figures }),
    h("div", { class: "seen" }, [
      h("b", null, figureOf(figures.observed, figures.unit)),
      h("small", null, inert(againstOf(figures))),
    ]),
    h(When, { alert, nowMs }),
    h("div", { class: "standing" }, [h(Standings, { alert, nowMs }), h(AlertActions, { alert, decide })]),
  ]);
}

/** Since when, or from when to when. */
function When({ alert: { startedAt, firedAt, resolvedAt }, nowMs }: { readonly alert: Alert; readonly nowMs: number }) {
  const fromMs = Date.parse(firedAt ?? startedAt);
  const at = (ms: number) => dayOf(ms) === dayOf(nowMs) ? minuteOf(ms) : stampOf(ms).slice(5, -3);
  const title = `${stampOf(fromMs)} ${zoneName()}`;
  if (resolvedAt === null) {
    return h("div", { class: "when", title }, [
      h("b", null, `for ${lengthOf(Math.max(0, nowMs - fromMs) / 1000)}`),
      h("small", null, `since ${at(fromMs)}`),
    ]);
  }
  const toMs = Date.parse(resolvedAt);
  return h("div", { class: "when", title }, [
    h("b", null, `for ${lengthOf((toMs - fromMs) / 1000)}`),
    h("small", null, `${at(fromMs)} to ${at(toMs)}`),
  ]);
}

/** A shape before the word: a state is not told by its colour alone. */
const SIGNS: Readonly<Record<Alert["state"], string>> = { firing: "●", recovering: "◐", pending: "○", resolved: "✓" };

function Standings({ alert, nowMs }: { readonly alert: Alert; readonly nowMs: number }) {
  const { state, silenced, acknowledged, isInhibited, isLate, isCorrected } = alert;
  const tag = (text: string, title: string) => h("span", { class: "tag", title }, text);
  return h("div", { class: "tags" }, [
    h("span", { class: "state", "data-state": state }, [
      h("span", { "aria-hidden": "true" }, SIGNS[state]),
      ` ${standingOf(alert)}`,
    ]),
    silenced !== null && tag(silenceOf(silenced, nowMs), inert(silenced.comment)),
    acknowledged !== null && tag(
      `acknowledged${byOf(acknowledged.by)}`,
      `at ${stampOf(Date.parse(acknowledged.at))} ${zoneName()}; nobody is called again until it is over, or worse`,
    ),
    isInhibited && tag("inhibited", "nobody is told, since another alert fires"),
    isLate && tag("late", "it fired when events came late"),
    isCorrected && tag("corrected", "with events that came late it would not have fired"),
  ]);
}

const byOf = (name: string): string => name === "" ? "" : ` by ${inert(name)}`;

/** Until when, by whom, and why. */
function silenceOf({ until, comment, by }: NonNullable<Alert["silenced"]>, nowMs: number): string {
  const untilMs = Date.parse(until);
  const at = dayOf(untilMs) === dayOf(nowMs) ? minuteOf(untilMs) : stampOf(untilMs).slice(0, -3);
  return `silenced until ${at}${byOf(by ?? "the rules")}${comment === "" ? "" : `: ${inert(comment)}`}`;
}
