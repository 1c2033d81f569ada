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

/** So many pieces of work are remembered before those that are over are added up. */
const REMEMBERED = 8192;
/** Milliseconds after which nobody reports a piece of work that is over; what comes later counts from there on. */
const LATE = 10_000;

/** A clock remembers what may still overlap something, whatever the model's size. */
export function createClock(): Clock {
  const started = performance.now();
  const spent = new Map<Activity, { times: number; bytes: number; total: number }>();
  const sweeps: { elements: number; spent: number }[] = [];
  const running = new Set<{ readonly from: number }>();
  const sums: Sums = { during: new Map(), alone: new Map(), any: 0, idle: 0 };
  let recent: Piece[] = [];
  let summed = started;
  let enough = REMEMBERED;

  /** Adds up everything before a moment. */
  const fold = (until: number): void => {
    if (until <= summed) return;
    overlaps(recent, summed, until, sums);
    recent = recent.filter(({ to }) => to > until);
    summed = until;
  };

  const remember = (piece: Piece): void => {
    recent.push(piece);
    if (recent.length < enough) return;
    fold([...running].reduce((first, piece) => Math.min(first, piece.from), performance.now() - LATE));
    enough = Math.max(REMEMBERED, 2 * recent.length);
  };

  const add = (activity: Activity, { from, to }: Interval, bytes = 0): void => {
    const known = spent.get(activity) ?? { times: 0, bytes: 0, total: 0 };
    spent.set(activity, { times: known.times + 1, bytes: known.bytes + bytes, total: known.total + to - from });
    remember({ activity, from, to });
  };

  /** The function returned ends it and says when that was. */
  const begin = (ended: (interval: Interval) => void): (() => void) => {
    const piece = { from: performance.now() };
    running.add(piece);
    return () => {
      running.delete(piece);
      ended({ ...piece, to: performance.now() });
    };
  };

  return {
    add,
    begin: (activity, bytes) => begin((interval) => add(activity, interval, bytes)),
    rest: () => begin((interval) => remember({ activity: "rest", ...interval })),
    sweep: (level, elements, milliseconds) => {
      const known = sweeps[level] ?? { elements: 0, spent: 0 };
      sweeps[level] = known;
      known.elements += elements;
      known.spent += milliseconds;
    },
    report: () => {
      const now = performance.now();
      const [during, alone] = [new Map(sums.during), new Map(sums.alone)];
      const all: Sums = { ...sums, during, alone };
      overlaps(recent, summed, Number.POSITIVE_INFINITY, all);
      return {
        seconds: (now - started - all.idle) / 1000,
        between: Math.max(0, now - started - all.idle - all.any) / 1000,
        activities: (Object.keys(ACTIVITIES) as Activity[]).flatMap((activity) => {
          const known = spent.get(activity);
          if (known === undefined) return [];
          const { times, bytes, total } = known;
          const [seconds, lonely] = [during, alone].map((each) => (each.get(activity) ?? 0) / 1000) as [number, number];
          return [{ activity, times, bytes, seconds, total: total / 1000, alone: lonely }];
        }),
        sweeps: sweeps.flatMap((one, sweep) =>
          one === undefined ? [] : [{ sweep, elements: one.elements, seconds: one.spent / 1000 }],
        ),
      };
    },
  };
}

interface Piece extends Interval {
  readonly activity: Activity | "rest";
}

/**
 * Milliseconds during which each activity went on, during which it did so alone, during which any did, and of pauses those
 * during which none did.
 */
interface Sums {
  readonly during: Map<Activity, number>;
  readonly alone: Map<Activity, number>;
  any: number;
  idle: number;
}

/** Adds to `sums` what went on from one moment to another. Kernels are a part of computing, not something beside it. */
function overlaps(pieces: readonly Piece[], from: number, until: number, sums: Sums): void {
  const cut = (at: number) => Math.min(until, Math.max(from, at));
  const edges = pieces.flatMap(({ activity, from, to }) => [
    { at: cut(from), activity, by: 1 },
    { at: cut(to), activity, by: -1 },
  ]);
  edges.sort((a, b) => a.at - b.at || b.by - a.by);
  const open = new Map<Piece["activity"], number>();
  const { during, alone } = sums;
  let last = from;
  for (const { at, activity, by } of edges) {
    const going = [...open].flatMap(([one, count]) => (count > 0 && one !== "rest" ? [one] : []));
    const apart = going.filter((one) => one !== "kernel");
    for (const one of going) during.set(one, (during.get(one) ?? 0) + at - last);
    const [only] = apart;
    if (only !== undefined && apart.length === 1) alone.set(only, (alone.get(only) ?? 0) + at - last);
    if (apart.length > 0) sums.any += at - last;
    else if ((open.get("rest") ?? 0) > 0) sums.idle += at - last;
    open.set(activity, (open.get(activity) ?? 0) + by);
    last = at;
  }
}
