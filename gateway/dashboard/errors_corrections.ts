/** How people correct kinds of errors: a name, a merge into another, a split by a text. The analyzer remembers it. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";
import { useDeciding } from "./deciding.ts";
import type { Decide } from "./errors_actions.ts";
import { findFingerprints, type Fingerprint } from "./errors_api.ts";
import { Menu } from "./menu.ts";
import { Foreign, TemplateText } from "./errors_parts.ts";
import { messageIn } from "./errors_template.ts";
import { counted } from "./errors_words.ts";

interface CorrectionProps {
  readonly fingerprint: Fingerprint;
  readonly topic: string;
  readonly decide: Decide;
}

export function Corrections(props: CorrectionProps) {
  return h("section", { class: "corrections" }, [
    h("h3", null, "Correct it"),
    h(Rename, props),
    h(Merge, props),
    h(Split, props),
  ]);
}

function Rename(props: CorrectionProps) {
  return h(Menu, { title: "Rename", form: (close) => h(RenameForm, { ...props, close }) });
}

interface FormProps extends CorrectionProps {
  readonly close: () => void;
}

function RenameForm({ fingerprint: { id, name }, decide, close }: FormProps) {
  const { run, isBusy, problem } = useDeciding(decide);
  const [given, setGiven] = useState(name ?? "");
  const rename = async (next: string) => {
    if (await run({ kind: "name", fingerprint: id, name: next }, next === "" ? "without a name" : "renamed")) close();
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void rename(given.trim());
  };
  return h("form", { onSubmit: submit, "aria-label": "Rename" }, [
    h("label", null, [
      "What people call it",
      h("input", {
        value: given,
        maxLength: 150,
        required: true,
        onInput: (event: { currentTarget: HTMLInputElement }) => setGiven(event.currentTarget.value),
      }),
    ]),
    h("div", { class: "row" }, [
      h("button", { type: "submit", class: "main", disabled: isBusy }, "Rename"),
      name !== null && h("button", { type: "button", disabled: isBusy, onClick: () => rename("") }, "Without a name"),
    ]),
    problem,
  ]);
}

/** A pause of whoever types, after which is searched. */
const TYPING_MS = 250;

function Merge(props: CorrectionProps) {
  return h(Menu, { title: "Merge into another", form: (close) => h(MergeForm, { ...props, close }) });
}

function MergeForm({ fingerprint, topic, decide, close }: FormProps) {
  const { run, isBusy, problem } = useDeciding(decide);
  const [q, setQ] = useState("");
  const [found, setFound] = useState<readonly Fingerprint[]>([]);
  const [into, setInto] = useState<string | null>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    let isLeft = false;
    const timer = setTimeout(() => {
      findFingerprints(topic, q).then((next) => {
        if (!isLeft) setFound(next.filter(({ id }) => id !== fingerprint.id)), setTrouble("");
      }, (error) => {
        if (!isLeft) setTrouble(wordsOf(error));
      });
    }, TYPING_MS);
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, [q, topic, fingerprint.id]);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (into === null) return;
    const isDone = await run({ kind: "merge", fingerprint: fingerprint.id, into }, "the analyzer merges them now");
    if (isDone) close();
  };
  return h("form", { onSubmit: submit, "aria-label": "Merge" }, [
    h("p", { class: "hint" }, "It counts as the other, with all that was counted, now and later."),
    h("input", {
      type: "search",
      value: q,
      placeholder: "search kinds of errors",
      "aria-label": "Search for the one to merge into",
      onInput: (event: { currentTarget: HTMLInputElement }) => setQ(event.currentTarget.value),
    }),
    h(
      "fieldset",
      { class: "found" },
      h("legend", { class: "unseen" }, "Merge into"),
      found.map(({ id, name, template, service, count }) =>
        h("label", { key: id }, [
          h("input", { type: "radio", name: "into", checked: into === id, onChange: () => setInto(id) }),
          h("span", null, [
            name === null ? h(TemplateText, { template }) : h(Foreign, { text: name }),
            h("small", null, [h(Foreign, { text: service || "no service" }), ` · ${counted(count, "event")}`]),
          ]),
        ])
      ),
      found.length === 0 && h("p", { class: "hint" }, trouble || "None fits."),
    ),
    h("div", { class: "row" }, [
      h("button", { type: "submit", class: "main", disabled: isBusy || into === null }, "Merge"),
    ]),
    problem,
  ]);
}

function Split(props: CorrectionProps) {
  return h(Menu, { title: "Split by a text", form: (close) => h(SplitForm, { ...props, close }) });
}

function SplitForm({ fingerprint, decide, close }: FormProps) {
  const { run, isBusy, problem } = useDeciding(decide);
  const [contains, setContains] = useState("");
  const lines = fingerprint.exemplars.map(({ text }) => messageIn(text));
  const matching = lines.filter((line) => contains !== "" && line.includes(contains)).length;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const said = "split: from now on such messages are a kind of their own";
    if (await run({ kind: "split", fingerprint: fingerprint.id, contains }, said)) close();
  };
  return h("form", { onSubmit: submit, "aria-label": "Split" }, [
    h("p", { class: "hint" }, "Messages with that text are a kind of their own from now on; what was counted stays."),
    h("label", null, [
      "Text, in this case",
      h("input", {
        value: contains,
        maxLength: 200,
        required: true,
        onInput: (event: { currentTarget: HTMLInputElement }) => setContains(event.currentTarget.value),
      }),
    ]),
    contains !== "" &&
    h("p", { class: "hint" }, `In ${matching} of the ${counted(lines.length, "line")} that are kept.`),
    h("div", { class: "row" }, [
      h("button", { type: "submit", class: "main", disabled: isBusy || contains === "" }, "Split"),
    ]),
    problem,
  ]);
}
