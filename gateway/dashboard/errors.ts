/** The page of errors: incidents and kinds of errors. The address is its state, the API its only source. */
import { h, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";
import { Choice, Heading } from "./controls.ts";
import type { Decide } from "./errors_actions.ts";
import { decide, type Errors, loadErrors } from "./errors_api.ts";
import { Fingerprints } from "./errors_fingerprints.ts";
import { Incidents } from "./errors_incidents.ts";
import { AnalyzerBar, Nothing, Stale, Trouble } from "./errors_notes.ts";
import { type ErrorsView, readErrors, writeErrors } from "./errors_state.ts";
import { NameField, usePerson } from "./person.ts";
import { inert } from "./inert.ts";
import { startSettings, useSettings } from "./settings.ts";
import { SettingsDialog } from "./settings_dialog.ts";
import { useLinkedView, ViewsMenu } from "./views_menu.ts";

const REFRESH_MS = 3_000;
/** A pause of whoever types, after which is searched. */
const TYPING_MS = 300;
/** The analyzer heeds decisions within a second or two. */
const HEEDED_MS = 1_500;

type Go = (changes: Partial<ErrorsView>, isStep?: boolean) => void;

/** The view of the address, and how to change it; `isStep` false takes the place of the one before in the history. */
function useView(): [ErrorsView, Go] {
  const [view, setView] = useState(() => readErrors(location.search));
  useEffect(() => {
    const back = () => setView(readErrors(location.search));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go: Go = (changes, isStep = true) => {
    const next = { ...readErrors(location.search), ...changes }; // what was clicked meanwhile stays
    const address = location.pathname + writeErrors(next);
    if (isStep) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    setView(next);
  };
  useLinkedView((query) => go(readErrors(query), false));
  return [view, go];
}

interface Loaded {
  readonly errors: Errors | null;
  readonly problem: string;
  /** When the API last answered, by the browser's clock. */
  readonly okMs: number | null;
  readonly refresh: () => Promise<void>;
}

/** What the view shows, asked for every few seconds, and at once where the view is another. */
function useErrors(view: ErrorsView, refreshSeconds: number): Loaded {
  const [errors, setErrors] = useState<Errors | null>(null);
  const [problem, setProblem] = useState("");
  const [okMs, setOkMs] = useState<number | null>(null);
  const latest = useRef<() => Promise<void>>(() => Promise.resolve());
  useEffect(() => {
    let isLeft = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = async () => {
      try {
        const next = await loadErrors(view);
        if (!isLeft) setErrors(next), setProblem(""), setOkMs(Date.now());
      } catch (error) {
        if (!isLeft) setProblem(wordsOf(error)), setErrors((before) => before && { ...before, nowMs: Date.now() });
      }
    };
    const again = async () => {
      clearTimeout(timer);
      if (!document.hidden) await refresh();
      if (!isLeft && refreshSeconds > 0) timer = setTimeout(again, Math.max(REFRESH_MS, refreshSeconds * 1000));
    };
    latest.current = refresh;
    const seen = () => void (document.hidden || again());
    document.addEventListener("visibilitychange", seen);
    void again();
    return () => {
      isLeft = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [writeErrors(view), refreshSeconds]);
  return { errors, problem, okMs, refresh: () => latest.current() };
}

/** Tells screen readers what has come up and what was done. */
function useTold(errors: Errors | null): [string, (text: string) => void] {
  const [told, setTold] = useState("");
  const known = useRef<{ topic: string | null; ids: ReadonlySet<string> } | null>(null);
  useEffect(() => {
    if (errors === null) return;
    const open = errors.incidents.filter(({ state }) => state === "open");
    const before = known.current;
    if (before !== null && before.topic === errors.topic) {
      const fresh = open.filter(({ id }) => !before.ids.has(id));
      if (fresh.length > 0) setTold(`New incident: ${fresh.map(({ title }) => inert(title)).join("; ")}`);
    }
    known.current = { topic: errors.topic, ids: new Set(errors.incidents.map(({ id }) => id)) };
  }, [errors]);
  return [told, setTold];
}

function Page() {
  const [view, go] = useView();
  const person = usePerson();
  const { refreshSeconds } = useSettings();
  const { errors, problem, okMs, refresh } = useErrors(view, refreshSeconds);
  const [told, tell] = useTold(errors);
  const [isSettings, setSettings] = useState(false);
  const shown = errors !== null && (view.topic === null || errors.topic === view.topic) ? errors : null;
  const take: Decide = async (decision, said) => {
    if (shown?.topic == null) return;
    await decide(shown.topic, decision, person.name.trim());
    tell(said);
    await refresh();
    setTimeout(refresh, HEEDED_MS);
  };
  const nowMs = Date.now();
  return [
    h("header", null, [
      h(Heading, { current: "errors" }),
      h("div", { class: "tools" }, [
        h(ViewsMenu, {
          page: "errors",
          holds: "topic, service, text, order, and what is opened",
          query: writeErrors(view),
          onOpen: ({ query }) => go(readErrors(query)),
        }),
        h("button", { type: "button", onClick: () => setSettings(true) }, "Settings"),
      ]),
      h(Search, { q: view.q, go }),
      h(Choice, {
        label: "Topic",
        value: errors?.topic ?? view.topic ?? "",
        options: (errors?.topics ?? []).map((name) => [name, inert(name)]),
        onChoice: (topic) => go({ topic, opened: null, service: null }),
      }),
      shown !== null && (shown.services.length > 1 || view.service !== null) && h(Choice, {
        label: "Service",
        value: view.service === null ? "*" : `=${view.service}`,
        options: [
          ["*", "all services"],
          ...[...new Set([...shown.services, ...view.service === null ? [] : [view.service]])].map((name) => [
            `=${name}`,
            name === "" ? "(no service)" : inert(name),
          ]),
        ],
        onChoice: (value) => go({ service: value === "*" ? null : value.slice(1) }),
      }),
      refreshSeconds === 0 && h("button", { type: "button", onClick: refresh }, "Refresh"),
      h(NameField, { person }),
    ]),
    problem !== "" && h(Stale, { problem, okMs: errors === null ? null : okMs, nowMs }),
    h("div", { class: "unseen", role: "status", "aria-live": "polite" }, told),
    h("main", { class: "errors", "data-stale": problem !== "" && shown !== null }, [
      shown === null
        ? problem === "" && h("p", { class: "nothing" }, "Loading…")
        : h(Body, { errors: shown, view, go, take, name: person.name.trim() }),
    ]),
    h(SettingsDialog, { page: "errors", isOpen: isSettings, onClose: () => setSettings(false) }),
  ];
}

function Body({ errors, view, go, take, name }: {
  readonly errors: Errors;
  readonly view: ErrorsView;
  readonly go: Go;
  readonly take: Decide;
  readonly name: string;
}) {
  const nothing = Nothing({ errors });
  if (nothing !== null) return nothing;
  const { analyzer, opened, nowMs } = errors;
  return [
    h(AnalyzerBar, { analyzer, nowMs }),
    h(Trouble, { topic: errors.topic, trouble: analyzer.trouble }),
    opened?.kind === "missing" && view.opened?.id === opened.id &&
    h("p", { class: "nothing", role: "alert" }, inert(opened.reason)),
    h(Incidents, { errors, view, name, decide: take, go }),
    h(Fingerprints, { errors, view, decide: take, go }),
  ];
}

function Search({ q, go }: { readonly q: string; readonly go: Go }) {
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Back and forward change the text, too; whoever is typing is not disturbed.
    if (input.current !== null && typing.current === undefined) input.current.value = q;
  }, [q]);
  return h("input", {
    type: "search",
    "aria-label": "Text that errors contain",
    placeholder: "search errors",
    maxLength: 200,
    ref: input,
    defaultValue: q,
    onInput: (event: { currentTarget: HTMLInputElement }) => {
      const text = event.currentTarget.value;
      clearTimeout(typing.current);
      typing.current = setTimeout(() => {
        typing.current = undefined;
        go({ q: text }, false);
      }, TYPING_MS);
    },
  });
}

startSettings();
const root = document.getElementById("errors");
if (root !== null) render(h(Page, {}), root);
