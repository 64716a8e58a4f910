/** Asks how long to be silent, and why. */
import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";

const LENGTHS = [[30, "30 min"], [120, "2 h"], [1440, "1 day"]] as const;
const MINUTES_MAX = 43_200;

export interface SilenceFormProps {
  readonly isBusy: boolean;
  readonly onSilence: (minutes: number, comment: string, words: string) => void;
  /** What will be silent. */
  readonly children: ComponentChildren;
}

export function SilenceForm({ isBusy, onSilence, children }: SilenceFormProps) {
  const [minutes, setMinutes] = useState("");
  const [comment, setComment] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const length = Number(minutes);
    if (Number.isInteger(length) && length > 0) onSilence(length, comment, `${length} minutes`);
  };
  return h("form", { onSubmit: submit, "aria-label": "Silence" }, [
    children,
    h("label", null, [
      "Why",
      h("input", {
        value: comment,
        maxLength: 500,
        placeholder: "for those who wonder",
        onInput: (event: { currentTarget: HTMLInputElement }) => setComment(event.currentTarget.value),
      }),
    ]),
    h(
      "div",
      { class: "choices", role: "group", "aria-label": "How long" },
      LENGTHS.map(([length, words]) =>
        h(
          "button",
          { key: length, type: "button", disabled: isBusy, onClick: () => onSilence(length, comment, words) },
          words,
        )
      ),
    ),
    h("div", { class: "choices" }, [
      h("input", {
        type: "number",
        min: 1,
        max: MINUTES_MAX,
        required: true,
        value: minutes,
        "aria-label": "Minutes",
        placeholder: "minutes",
        onInput: (event: { currentTarget: HTMLInputElement }) => setMinutes(event.currentTarget.value),
      }),
      h("button", { type: "submit", disabled: isBusy }, "Silence so long"),
    ]),
  ]);
}
