/** What people do about an alert: acknowledge it, silence it, end its silence; each about the messages that it is told in. */
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Alert, AlertDecision } from "./alerts_api.ts";
import { heldOf } from "./alerts_words.ts";
import { type Decide, useDeciding } from "./deciding.ts";
import { inert } from "./inert.ts";
import { Menu } from "./menu.ts";
import { SilenceForm } from "./silence_form.ts";

export type DecideAlert = Decide<AlertDecision>;

export function AlertActions({ alert, decide }: { readonly alert: Alert; readonly decide: DecideAlert }) {
  const { id, rule, state, silenced, acknowledged, messages } = alert;
  const { run, isBusy, problem } = useDeciding(decide);
  const place = useRef<HTMLDivElement>(null);
  const pressed = useRef<Element | null>(null);
  useEffect(() => {
    const { current } = pressed;
    if (isBusy || current === null) return;
    pressed.current = null;
    // Busy buttons lose the focus, and what was pressed may have gone: who works by keyboard goes on from here.
    const next = current.isConnected ? current : place.current?.querySelector("button, summary");
    if (document.activeElement === document.body && next instanceof HTMLElement) next.focus();
  }, [isBusy]);
  const act = (decision: AlertDecision, said: string) => {
    pressed.current = document.activeElement;
    return run(decision, `${inert(rule)}: ${said}`);
  };
  if (state === "resolved" || messages.length === 0) return null;
  const canAcknowledge = acknowledged === null && state !== "pending" && messages.some(({ isOpen }) => isOpen);
  return h("div", {
    class: "alert-actions",
    ref: place,
    role: "group",
    "aria-label": `What to do about ${inert(rule)}`,
  }, [
    canAcknowledge && h("button", {
      type: "button",
      disabled: isBusy,
      title: `Nobody is called again about ${inert(heldOf(alert))} until all is over, or worse`,
      onClick: () => act({ kind: "acknowledge", alert: id }, "acknowledged"),
    }, "Acknowledge"),
    silenced === null
      ? h(Menu, { title: "Silence", form: (close) => h(Silence, { alert, isBusy, act, close }) })
      : silenced.by !== null && h("button", {
        type: "button",
        disabled: isBusy,
        onClick: () => act({ kind: "silence", alert: id, minutes: 0 }, "the silence is over"),
      }, "End silence"),
    problem,
  ]);
}

function Silence({ alert, isBusy, act, close }: {
  readonly alert: Alert;
  readonly isBusy: boolean;
  readonly act: (decision: AlertDecision, said: string) => Promise<boolean>;
  readonly close: () => void;
}) {
  const onSilence = async (minutes: number, comment: string, words: string) => {
    if (await act({ kind: "silence", alert: alert.id, minutes, comment }, `silenced for ${words}`)) close();
  };
  return h(SilenceForm, {
    isBusy,
    onSilence,
    children: h("p", { class: "hint" }, [
      "Nobody is told of ",
      h("b", null, h("bdi", null, inert(heldOf(alert)))),
      " so long, unless it gets worse. It is judged and shown all the same.",
    ]),
  });
}
