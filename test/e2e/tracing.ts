/** What a page's main thread does per frame, from Chromium's own trace: processor time, so that a busy machine counts less. */
import type { Browser, Page } from "@playwright/test";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** Processor time of the thread, µs. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly data?: { readonly documentLoaderURL?: string } };
}

export interface FrameWork {
  readonly frames: number;
  /** Milliseconds of processor time on the main thread per frame. */
  readonly median: number;
  /** All frames but one in twenty take less. */
  readonly high: number;
  readonly worst: number;
  /** The longest task on the main thread: processor time, and by the clock, which counts what other processes took. */
  readonly longest: { readonly own: number; readonly clock: number };
}

const CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing"];

/** Traces `action`, and adds up the tasks of the page's main thread between one frame and the next. */
export async function frameWork(browser: Browser, page: Page, action: () => Promise<void>): Promise<FrameWork> {
  await browser.startTracing(page, { categories: CATEGORIES });
  await action();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mains = traceEvents.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const tasksOf = ({ pid, tid }: TraceEvent) =>
    traceEvents.filter((one) => one.pid === pid && one.tid === tid && one.ph === "X" && one.name === "RunTask");
  const spent = (tasks: readonly TraceEvent[]) => tasks.reduce((sum, { tdur, dur }) => sum + (tdur ?? dur ?? 0), 0);
  // Of several renderers the page's is the busy one.
  const main = mains.sort((a, b) => spent(tasksOf(b)) - spent(tasksOf(a)))[0];
  if (main === undefined) throw new Error("The trace has no main thread of a page.");
  const tasks = tasksOf(main);
  const starts = traceEvents
    .filter(
      ({ name, pid, tid, ph }) => name === "FireAnimationFrame" && pid === main.pid && tid === main.tid && ph === "X",
    )
    .map(({ ts }) => ts)
    .sort((a, b) => a - b);
  // Several callbacks of one frame follow each other within a task.
  const frames = starts.filter((ts, i) => i === 0 || ts - starts[i - 1]! > 4000);
  const perFrame = frames
    .slice(0, -1)
    .map((from, i) => spent(tasks.filter(({ ts, dur = 0 }) => ts + dur > from && ts + dur <= frames[i + 1]!)) / 1000)
    .sort((a, b) => a - b);
  const at = (share: number) => perFrame[Math.min(perFrame.length - 1, Math.floor(share * perFrame.length))] ?? 0;
  const most = (of: (task: TraceEvent) => number) => Math.max(0, ...tasks.map(of)) / 1000;
  const longest = { own: most(({ tdur, dur }) => tdur ?? dur ?? 0), clock: most(({ dur }) => dur ?? 0) };
  return { frames: perFrame.length, median: at(0.5), high: at(0.95), worst: at(1), longest };
}
