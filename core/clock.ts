/**
 * Where a run's time goes. Everything long says when it began and ended; the report tells, of each kind of work, during
 * which share of the time it went on, and during which it was the only thing that did: that share is what the run would save
 * if the work cost nothing.
 */

/** Kinds of work, in the order a tile meets them. */
export const ACTIVITIES = {
  wait: "waiting for memory",
  read: "reading",
  upload: "uploading",
  compute: "computing",
  kernel: "of that, kernels",
  download: "downloading",
  settle: "settling numbers",
  write: "writing",
} as const;
export type Activity = keyof typeof ACTIVITIES;

/** Milliseconds of `performance.now()`. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface Clock {
  /** Begins a piece of work; the function returned ends it. `bytes` of it are counted. */
  begin(activity: Activity, bytes?: number): () => void;
  /** A piece of work that ended already. */
  add(activity: Activity, interval: Interval, bytes?: number): void;
  /** Begins a pause; the function returned ends it. What nothing went on in of it does not count as time. */
  rest(): () => void;
  /** Work of one sweep over `elements` elements, in milliseconds of one lane. */
  sweep(level: number, elements: number, spent: number): void;
  report(): Profile;
}

export interface Spent {
  readonly activity: Activity;
  readonly times: number;
  readonly bytes: number;
  /** Seconds during which it went on at least once. */
  readonly seconds: number;
  /** The same added up over all that went on side by side. */
  readonly total: number;
  /** Seconds during which nothing else went on. */
  readonly alone: number;
}

export interface Profile {
  /** From the clock's beginning to its report, without pauses. */
  readonly seconds: number;
  /** Seconds during which none of the work went on: planning, starting, and what this thread does between. */
  readonly between: number;
  readonly activities: readonly Spent[];
  /** Of each sweep over a tensor, all tensors together: `seconds` of one lane. */
  readonly sweeps: readonly { readonly sweep: number; readonly elements: number; readonly seconds: number }[];
}

export function createClock(): Clock {
  const started = performance.now();
  const spent = new Map<Activity, { intervals: Interval[]; bytes: number }>();
  const sweeps: { elements: number; spent: number }[] = [];
  const rests: Interval[] = [];

  const add = (activity: Activity, interval: Interval, bytes = 0): void => {
    const known = spent.get(activity) ?? { intervals: [], bytes: 0 };
    spent.set(activity, known);
    known.intervals.push(interval);
    known.bytes += bytes;
  };

  return {
    add,
    begin: (activity, bytes) => {
      const from = performance.now();
      return () => add(activity, { from, to: performance.now() }, bytes);
    },
    rest: () => {
      const from = performance.now();
      return () => void rests.push({ from, to: performance.now() });
    },
    sweep: (level, elements, milliseconds) => {
      const known = sweeps[level] ?? { elements: 0, spent: 0 };
      sweeps[level] = known;
      known.elements += elements;
      known.spent += milliseconds;
    },
    report: () => {
      const now = performance.now();
      const { during, alone, any, idle } = overlaps(spent, rests);
      return {
        seconds: (now - started - idle) / 1000,
        between: Math.max(0, now - started - idle - any) / 1000,
        activities: (Object.keys(ACTIVITIES) as Activity[]).flatMap((activity) => {
          const { intervals, bytes } = spent.get(activity) ?? { intervals: [], bytes: 0 };
          if (intervals.length === 0) return [];
          const total = intervals.reduce((sum, { from, to }) => sum + to - from, 0) / 1000;
          const seconds = (during.get(activity) ?? 0) / 1000;
          return [
            { activity, times: intervals.length, bytes, seconds, total, alone: (alone.get(activity) ?? 0) / 1000 },
          ];
        }),
        sweeps: sweeps.flatMap((one, sweep) =>
          one === undefined ? [] : [{ sweep, elements: one.elements, seconds: one.spent / 1000 }],
        ),
      };
    },
  };
}

/**
 * Milliseconds during which each activity went on, during which it did so alone, during which any did, and of pauses those
 * during which none did. Kernels are a part of computing, not something beside it.
 */
function overlaps(
  spent: ReadonlyMap<Activity, { readonly intervals: readonly Interval[] }>,
  rests: readonly Interval[],
) {
  const edges = [...spent, ["rest", { intervals: rests }] as const].flatMap(([activity, { intervals }]) =>
    intervals.flatMap(({ from, to }) => [
      { at: from, activity, by: 1 },
      { at: to, activity, by: -1 },
    ]),
  );
  edges.sort((a, b) => a.at - b.at || b.by - a.by);
  const open = new Map<Activity | "rest", number>();
  const [during, alone] = [new Map<Activity, number>(), new Map<Activity, number>()];
  let any = 0;
  let idle = 0;
  let last = 0;
  for (const { at, activity, by } of edges) {
    const going = [...open].flatMap(([one, count]) => (count > 0 && one !== "rest" ? [one] : []));
    const apart = going.filter((one) => one !== "kernel");
    for (const one of going) during.set(one, (during.get(one) ?? 0) + at - last);
    const [only] = apart;
    if (only !== undefined && apart.length === 1) alone.set(only, (alone.get(only) ?? 0) + at - last);
    if (apart.length > 0) any += at - last;
    else if ((open.get("rest") ?? 0) > 0) idle += at - last;
    open.set(activity, (open.get(activity) ?? 0) + by);
    last = at;
  }
  return { during, alone, any, idle };
}
