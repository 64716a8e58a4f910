/**
 * The one stream of what happens: that more is stored, and the events themselves while somebody follows them. Where the
 * gateway cannot be listened to, it is asked now and then.
 */
import { useEffect, useState } from "preact/hooks";
import { tailMessage } from "./api.ts";
import { settingsNow } from "./settings.ts";
import type * as z from "zod/mini";

export type TailMessage = z.infer<typeof tailMessage>;
/** `broken`: the browser tries again by itself; `refused`: it does not. */
export type StreamState = "closed" | "connecting" | "open" | "broken" | "refused";

/** Without word from the gateway; with it only the range moves by itself. */
const POLL_MS = 5_000;
const MOVE_MS = 15_000;

let state: StreamState = "closed";
const storedListeners = new Set<() => void>();
const tailListeners = new Set<(message: TailMessage) => void>();
const stateListeners = new Set<(state: StreamState) => void>();

function setState(next: StreamState): void {
  state = next;
  for (const hear of stateListeners) hear(next);
}

/** Listens to a topic as long as the component is there; `tail`: parameters of the events to follow, or null for none. */
export function useLive(topic: string | undefined, tail: string | null): void {
  useEffect(() => {
    if (topic === undefined) return;
    const query = new URLSearchParams({ topic });
    const source = new EventSource(`/api/v1/live?${query}${tail === null ? "" : `&tail=1&${tail}`}`);
    setState("connecting");
    source.addEventListener("open", () => setState("open"));
    source.addEventListener("error", () => setState(source.readyState === EventSource.CLOSED ? "refused" : "broken"));
    source.addEventListener("stored", () => {
      for (const hear of storedListeners) hear();
    });
    source.addEventListener("tail", ({ data }) => {
      const message = tailMessage.safeParse(JSON.parse(data));
      if (message.success) { for (const hear of tailListeners) hear(message.data); }
    });
    return () => {
      source.close();
      setState("closed");
    };
  }, [topic, tail]);
}

/** How the stream stands; the component is drawn again when that changes. */
export function useStreamState(): StreamState {
  const [shown, setShown] = useState(state);
  useEffect(() => {
    setShown(state);
    stateListeners.add(setShown);
    return () => void stateListeners.delete(setShown);
  }, []);
  return shown;
}

/** Hears what the stream tells of events; answers how to end it. */
export function onTail(hear: (message: TailMessage) => void): () => void {
  tailListeners.add(hear);
  return () => void tailListeners.delete(hear);
}

/** Runs at once and, where `isMoving`, again whenever there may be something new; answers how to end it. */
export function repeat(run: (isFirst: boolean) => Promise<void>, isMoving: boolean): () => void {
  let isLeft = false;
  let isRunning = false;
  let isDue = false;
  let isMissed = false;
  let lastMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(go, ms, false);
  };
  const apartMs = () => settingsNow().refreshSeconds * 1000;
  const moves = () => isMoving && apartMs() > 0;
  const go = async (isFirst: boolean) => {
    if (document.hidden && !isFirst) {
      isMissed = true; // nobody looks: what came meanwhile is asked for once, when somebody does
      return;
    }
    isRunning = true;
    isDue = false;
    lastMs = Date.now();
    await run(isFirst);
    isRunning = false;
    if (!isLeft && moves()) wait(Math.max(apartMs(), isDue ? 0 : state === "open" ? MOVE_MS : POLL_MS));
  };
  const hear = () => {
    if (isDue || !moves()) return;
    isDue = true;
    if (!isRunning) wait(Math.max(0, lastMs + apartMs() - Date.now()));
  };
  const see = () => {
    if (document.hidden || !isMissed) return;
    isMissed = false;
    if (!isRunning) void go(false);
  };
  if (isMoving) {
    storedListeners.add(hear);
    document.addEventListener("visibilitychange", see);
  }
  void go(true);
  return () => {
    isLeft = true;
    document.removeEventListener("visibilitychange", see);
    storedListeners.delete(hear);
    clearTimeout(timer);
  };
}
