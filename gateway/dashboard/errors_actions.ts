/** What people do about an incident: acknowledge it, silence it, say what its summary was worth. */
import { h } from "preact";
import { useState } from "preact/hooks";
import { type Decide as DecideOn, useDeciding } from "./deciding.ts";
import type { Decision, Incident } from "./errors_api.ts";
import { minuteOf } from "./errors_times.ts";
import { Menu } from "./menu.ts";
import { Foreign } from "./errors_parts.ts";
import { VERDICTS } from "./errors_words.ts";
import { SilenceForm } from "./silence_form.ts";

export type Decide = DecideOn<Decision>;

export function Actions({ incident, decide, nowMs }: {
  readonly incident: Incident;
  readonly decide: Decide;
  readonly nowMs: number;
}) {
  const { run, isBusy, problem } = useDeciding(decide);
  const { id, state, acknowledged, silenced } = incident;
  return h("div", { class: "actions" }, [
    state === "open" && h("button", {
      type: "button",
      class: "main",
      disabled: isBusy,
      onClick: () => run({ kind: "acknowledge", incident: id }, "acknowledged"),
    }, "Acknowledge"),
    acknowledged !== null && h("p", { class: "done" }, [
      "✓ Acknowledged by ",
      h(Foreign, { text: acknowledged.by || "somebody" }),
      ` at ${minuteOf(Date.parse(acknowledged.time), nowMs)}`,
    ]),
    silenced === null ? h(Silence, { incident, run, isBusy }) : h("p", { class: "done" }, [
      `Silenced until ${minuteOf(Date.parse(silenced.until), nowMs)} by `,
      h(Foreign, { text: silenced.by || "somebody" }),
      silenced.comment !== "" && [": ", h(Foreign, { text: silenced.comment })],
      " ",
      h(
        "button",
        {
          type: "button",
          disabled: isBusy,
          onClick: () =>
            run({ kind: "silence", target: silenced.target, id: silenced.id, minutes: 0 }, "the silence is over"),
        },
        silenced.target === "incident" ? "End silence" : `End silence of ${TARGET_WORDS[silenced.target]}`,
      ),
    ]),
    problem,
  ]);
}

const TARGET_WORDS = { incident: "this incident", fingerprint: "this kind of error", service: "the whole service" };
interface SilenceProps {
  readonly incident: Incident;
  readonly run: (decision: Decision, said: string) => Promise<boolean>;
  readonly isBusy: boolean;
}

function Silence(props: SilenceProps) {
  return h(Menu, { title: "Silence", form: (close) => h(SilenceTargets, { ...props, close }) });
}

function SilenceTargets({ incident, run, isBusy, close }: SilenceProps & { readonly close: () => void }) {
  const [target, setTarget] = useState<keyof typeof TARGET_WORDS>("incident");
  const targets = { incident: incident.id, fingerprint: incident.fingerprints[0]?.id, service: incident.service };
  const onSilence = async (minutes: number, comment: string, words: string) => {
    const id = targets[target];
    if (id === undefined) return;
    if (await run({ kind: "silence", target, id, minutes, comment }, `silenced for ${words}`)) close();
  };
  const children = [
    h("p", { class: "hint" }, "Nobody is told of it so long. It is counted and shown all the same."),
    h("fieldset", null, [
      h("legend", null, "What"),
      (["incident", "fingerprint", "service"] as const).filter((name) => targets[name]).map((name) =>
        h("label", { key: name }, [
          h("input", { type: "radio", name: "target", checked: target === name, onChange: () => setTarget(name) }),
          name === "service"
            ? h("span", null, ["all of ", h(Foreign, { text: incident.service })])
            : TARGET_WORDS[name],
        ])
      ),
    ]),
  ];
  return h(SilenceForm, { isBusy, onSilence, children });
}

/** What people said of the summary; one's own can be changed. */
export function Verdicts({ incident, name, decide }: {
  readonly incident: Incident;
  readonly name: string;
  readonly decide: Decide;
}) {
  const { run, isBusy, problem } = useDeciding(decide);
  const own = incident.verdicts.find(({ by }) => by === name)?.verdict;
  return h("section", { class: "verdicts", "aria-label": "Verdicts" }, [
    h("h4", null, "Was this of use?"),
    h(
      "div",
      { class: "row", role: "group" },
      VERDICTS.map(([verdict, words]) => {
        const count = incident.verdicts.filter((each) => each.verdict === verdict).length;
        return h("button", {
          key: verdict,
          type: "button",
          disabled: isBusy,
          "aria-pressed": own === verdict ? "true" : "false",
          onClick: () => run({ kind: "verdict", incident: incident.id, verdict }, `verdict: ${words.toLowerCase()}`),
        }, [words, count > 0 && h("span", { class: "count" }, count)]);
      }),
    ),
    incident.verdicts.length > 0 && h("p", { class: "hint" }, [
      "Said by ",
      incident.verdicts.map(({ by }, at) => [at > 0 && ", ", h(Foreign, { text: by || "somebody" })]),
    ]),
    own === "wrong_grouping" &&
    h("p", { class: "hint" }, "Correct it: open its kind of error below, and merge it or split it there."),
    problem,
  ]);
}
