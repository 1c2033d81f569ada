/**
 * A GPU engine that a merge can rely on. A tile that finds no memory is cut into smaller ones, a lost device is replaced,
 * and when there is no other, the CPU computes the rest: a job stays whole until it is done, so nothing is lost but time.
 * And nobody takes its word: the first tile of every kind of sweep, and tiles at random as long as that costs next to
 * nothing, are computed on the CPU as well. Where the two disagree, every tile before is in doubt, so the run ends.
 */
import { DeviceTrouble, messageOf, type Trouble, throwIfAborted } from "../errors.ts";
import { unitOf } from "../graph/program.ts";
import { checking, disagreement } from "./agree.ts";
import type { Engine, TileJob, TileResult } from "./engine.ts";
import { joined, piecesOf, tileBytes } from "./pieces.ts";

/** A GPU engine and its adapter. */
export interface OpenedGpu {
  readonly engine: Engine;
  /** The adapter computes on the CPU, pretending to be a GPU. */
  readonly software: boolean;
  /** The adapter's. */
  readonly name: string;
}

export interface GuardOptions {
  /** Opens the GPU anew, on a new device. */
  readonly open: () => Promise<OpenedGpu>;
  /** A CPU engine for tiles that are no memory of its own: of one lane for checks, of all to go on. */
  readonly cpu: (lanes: "one" | "all") => Promise<Engine>;
  /** Share of a run's time that checks of random tiles may take. */
  readonly share?: number;
}

const SHARE = 0.015;
/** New devices that a run asks for, before it believes that the next one will be lost too. */
const DEVICES = 3;

interface Held {
  readonly engine: Engine;
  readonly isGpu: boolean;
}

/** @param opened the GPU to begin with; its figures are those that plans are made for */
export function guarded(opened: OpenedGpu, options: GuardOptions): Engine {
  const { lanes, maxTileBytes } = opened.engine;
  let name = opened.engine.name;
  let kind: Engine["kind"] = "gpu";
  let held: Promise<Held> = Promise.resolve({ engine: opened.engine, isGpu: true });
  let checker: Promise<Engine> | null = null;
  let beside: Promise<Engine> | null = null;
  let closed = false;
  /** The run's. */
  let say: (sentence: string) => void = () => {};
  let devices = 0;
  /** Bytes of a tile that the GPU was found to take. */
  let most = Number.POSITIVE_INFINITY;
  const refused = new Set<string>();
  const met = new Set<string>();
  const said = new Set<string>();
  let distrust: DeviceTrouble | null = null;
  let began = performance.now();
  let spent = 0;
  let checked = 0;
  let isChecking = false;

  const tell = (sentence: string) => {
    if (!said.has(sentence)) say(sentence);
    said.add(sentence);
  };

  const onCpu = (): Promise<Engine> => {
    beside ??= options.cpu("all");
    return beside;
  };

  const besides = (): Promise<Engine> => {
    checker ??= options.cpu("one");
    return checker;
  };

  async function run(job: TileJob, signal?: AbortSignal): Promise<TileResult> {
    for (;;) {
      throwIfAborted(signal);
      if (distrust !== null) throw distrust;
      const mine = held;
      const { engine, isGpu } = await mine;
      if (isOnlyLook(job)) return (await besides()).run(job, signal);
      if (!isGpu || refused.has(job.program.key)) return (await onCpu()).run(job, signal);
      const pieces = piecesOf(job, Math.min(most, engine.maxTileBytes));
      let at = pieces[0] ?? job;
      try {
        const results: TileResult[] = [];
        for (const piece of pieces) {
          at = piece;
          results.push(await engine.run(piece, signal));
        }
        return await check(job, joined(job, pieces, results), signal);
      } catch (error) {
        if (!(error instanceof DeviceTrouble) || closed) throw error;
        help(error, at, mine);
      }
    }
  }

  /** Changes something, so that the tile can be tried again; throws where nothing may be changed. */
  function help(error: DeviceTrouble, piece: TileJob, mine: Promise<Held>): void {
    const why: Trouble = error.trouble;
    switch (why) {
      case "wrong":
        distrust = error;
        throw error;
      case "refused":
        refused.add(piece.program.key);
        tell(`${reasonOf(error)} The CPU computes these tiles instead.`);
        return;
      case "memory":
        if (piece.count > unitOf(piece.program)) {
          most = Math.min(most, tileBytes(piece) / 2);
          tell(`${opened.name}: GPU memory ran short, so tiles are cut into smaller pieces.`);
        } else if (held === mine) held = replace(mine, error);
        return;
      case "lost":
        // Whoever noticed first has asked for another one.
        if (held === mine) held = replace(mine, error);
        return;
      default:
        why satisfies never;
    }
  }

  async function replace(mine: Promise<Held>, error: DeviceTrouble): Promise<Held> {
    await (await mine).engine.close().catch(() => {});
    if (closed) throw error;
    // What a device could not bear whole, the next may bear in parts.
    most = Math.min(most, maxTileBytes) / 2;
    const next = await another();
    if (typeof next !== "string") {
      tell(`${reasonOf(error)} The merge went on with a new device and smaller tiles.`);
      return next;
    }
    tell(`${reasonOf(error)} ${next} The CPU computed the rest.`);
    const engine = await onCpu();
    kind = "cpu";
    name = `${opened.name}, then ${engine.name}`;
    return { engine, isGpu: false };
  }

  /** A new device, or why there is none. */
  async function another(): Promise<Held | string> {
    if (devices >= DEVICES) return `It was number ${devices + 1} of this merge.`;
    devices++;
    try {
      const { engine, software } = await options.open();
      if (!software || opened.software) return { engine, isGpu: true };
      await engine.close();
      return "Only a software adapter is left, which is slower than the CPU.";
    } catch (error) {
      return `There is no other one (${reasonOf(error)})`;
    }
  }

  async function check(job: TileJob, result: TileResult, signal: AbortSignal | undefined): Promise<TileResult> {
    const sort = [job.program.key, ...job.dtypes, job.encode].join();
    const isDue = !met.has(sort) || (!isChecking && spent <= (options.share ?? SHARE) * since() && Math.random() < 0.5);
    if (!isDue) return result;
    met.add(sort);
    isChecking = true;
    try {
      const engine = await besides();
      const started = performance.now();
      const own = await engine.run(checking({ ...job, inputs: result.inputs }), signal);
      const apart = disagreement(job, result, own);
      spent += own.spent ?? performance.now() - started;
      if (apart !== null) throw wrong(job, apart);
      checked++;
      return { ...result, inputs: own.inputs };
    } finally {
      isChecking = false;
    }
  }

  const since = () => performance.now() - began;

  function wrong({ tensor, first, count }: TileJob, apart: string): DeviceTrouble {
    const where = `${tensor === undefined ? "a tensor" : `"${tensor}"`}, elements ${first.toLocaleString("en")} to ${(first + count - 1).toLocaleString("en")}`;
    return new DeviceTrouble(
      "wrong",
      `${opened.name}: the GPU computed something else than the CPU (${where}: ${apart}). ` +
        "What it computed before cannot be trusted either, so the merge was stopped. Choose the CPU, or update the graphics driver.",
    );
  }

  return {
    get kind() {
      return kind;
    },
    get name() {
      return name;
    },
    lanes,
    maxTileBytes,
    keeps: false,
    memory: null,
    run,
    watch: (hear) => {
      say = hear;
      for (const one of [refused, met, said]) one.clear();
      most = Number.POSITIVE_INFINITY;
      devices = 0;
      distrust = null;
      began = performance.now();
      spent = 0;
      checked = 0;
      if (kind === "cpu") held = again(held);
      return {
        get checked() {
          return checked;
        },
        end: () => {
          say = () => {};
        },
      };
    },
    ease: (isEased) => void beside?.then((engine) => engine.ease?.(isEased)).catch(() => {}),
    close: async () => {
      closed = true;
      const all = [held.then(({ engine }) => engine), checker, beside];
      await Promise.allSettled(all.map(async (one) => (await one)?.close()));
    },
  };

  /** A run after one that ended on the CPU: perhaps the GPU is back. */
  async function again(before: Promise<Held>): Promise<Held> {
    const next = await another();
    if (typeof next === "string") {
      tell(`${opened.name}: the GPU is not back. ${next} The CPU computes this merge.`);
      return before;
    }
    kind = "gpu";
    name = opened.engine.name;
    return next;
  }
}

/** What computes nothing is not worth its way to a card. */
const isOnlyLook = ({ program }: TileJob) =>
  program.output === null && [program.sums, program.histograms, program.reductions].every(({ length }) => length === 0);

/** A message without what else to do: that is being done. */
function reasonOf(error: unknown): string {
  const message = messageOf(error).split("\n")[0] ?? "";
  return /^.*?[.)](?= [A-Z]|$)/.exec(message)?.[0] ?? message;
}
