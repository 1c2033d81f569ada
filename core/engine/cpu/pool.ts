/**
 * The CPU engine: tiles handed to worker lanes. A lane is given its next tile while it works on one,
 * so that it never waits for this thread; whatever is beyond that queues here, where cancelling it
 * costs nothing. Buffers are transferred both ways, unless they lie in memory that the lanes share.
 */
import { abortError, messageOf, throwIfAborted, WeightloomError } from "../../errors.ts";
import type { Engine, TileJob, TileResult } from "../engine.ts";
import type { Arena } from "./arena.ts";
import { createLane } from "./lane.ts";
import { buffersOf, type LanePort, type Reply, type Request } from "./ports.ts";
import { packJob, unpackResult } from "./wire.ts";

/**
 * Measured: tiles of 8 to 16 MiB are equally fast, smaller ones take the host longer. A little over 8 MiB, so that matrices of
 * three models, a power of two each, are no tile more.
 */
const MAX_TILE_BYTES = 8.5 * 2 ** 20;
/** Tiles a lane holds: the one it works on and the next. */
const DEPTH = 2;

export interface CpuEngineOptions {
  /** Worker threads to start, at least 1. */
  readonly lanes: number;
  /** The compiled kernels. */
  readonly module: WebAssembly.Module;
  /** Starts a worker whose code calls `serveLane`. */
  readonly spawn: () => LanePort;
  /** Memory for tiles that the platform's files read and write; `module` must be compiled for it. */
  readonly arena?: Arena;
}

interface Task {
  readonly job: TileJob;
  readonly resolve: (result: TileResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Member {
  readonly port: LanePort;
  /** Tiles posted and not answered, by id. */
  readonly tasks: Map<number, Task>;
  /** Keys of the programs it has. */
  readonly met: Set<string>;
}

/** Starts the lanes. Rejects with a DeviceError when one does not come up; then all are ended. */
export async function createCpuEngine({ lanes, module, spawn, arena }: CpuEngineOptions): Promise<Engine> {
  const members: Member[] = Array.from({ length: lanes }, () => ({
    port: spawn(),
    tasks: new Map(),
    met: new Set(),
  }));
  const queue: Task[] = [];
  /** Lanes that are given tiles. */
  let open = lanes;
  let nextId = 0;
  /** Why no tile can run any more. */
  let ended: Error | null = null;

  /** Tasks that one signal aborts: to listen for each of thousands would cost more than to tell them apart. */
  const signals = new WeakMap<AbortSignal, Set<Task>>();
  const under = (signal: AbortSignal): Set<Task> => {
    const known = signals.get(signal);
    if (known !== undefined) return known;
    const tasks = new Set<Task>();
    signals.set(signal, tasks);
    const abort = (): void => {
      // A tile already posted runs on unseen; one still here is taken back.
      for (const task of [...tasks]) {
        const at = queue.indexOf(task);
        if (at >= 0) queue.splice(at, 1);
        task.reject(abortError());
      }
    };
    signal.addEventListener("abort", abort, { once: true });
    return tasks;
  };

  const end = (reason: Error): Promise<unknown> => {
    if (ended !== null) return Promise.resolve();
    ended = reason;
    const unanswered = [...queue, ...members.flatMap(({ tasks }) => [...tasks.values()])];
    queue.length = 0;
    for (const { tasks } of members) tasks.clear();
    for (const task of unanswered) task.reject(reason);
    return Promise.all(members.map(({ port }) => port.terminate()));
  };

  const dispatch = (): void => {
    while (queue.length > 0) {
      const member = members
        .slice(0, open)
        .reduce((least, other) => (other.tasks.size < least.tasks.size ? other : least));
      if (member.tasks.size >= DEPTH) return;
      const task = queue.shift()!;
      const id = nextId++;
      try {
        const job = packJob(task.job, member.met);
        post(member.port, { type: "run", id, job }, buffersOf([...job.inputs, ...(job.kept ?? [])]));
        member.met.add(task.job.program.key);
        member.tasks.set(id, task);
      } catch (cause) {
        task.reject(deviceError(`a tile could not be sent to it (${messageOf(cause)})`, cause));
      }
    }
  };

  const settle = ({ tasks }: Member, reply: Reply): void => {
    if (reply.type === "ready" || reply.id === null) return;
    const task = tasks.get(reply.id);
    tasks.delete(reply.id);
    if (reply.type === "done") {
      const to = performance.now();
      task?.job.clock?.add("compute", { from: to - reply.spent, to });
      task?.resolve(unpackResult(reply.result, task.job, reply.spent));
    } else task?.reject(new WeightloomError("DeviceError", reply.message));
    dispatch();
  };

  const start = (member: Member): Promise<void> =>
    new Promise((resolve, reject) => {
      member.port.onMessage((message) => {
        const reply = message as Reply;
        if (reply.type === "ready") resolve();
        else if (reply.type === "failed" && reply.id === null)
          reject(new WeightloomError("DeviceError", reply.message));
        else settle(member, reply);
      });
      member.port.onDeath((cause) => {
        const error = deviceError(`it stopped (${messageOf(cause)})`, cause);
        reject(error);
        void end(error);
      });
      post(member.port, { type: "start", module, memory: arena?.memory ?? null }, []);
    });

  try {
    await Promise.all(members.map(start));
  } catch (error) {
    await end(error instanceof Error ? error : deviceError(messageOf(error), error));
    throw error;
  }

  const beside = await createLane(module, arena?.memory ?? null);
  return {
    kind: "cpu",
    name: `CPU, ${lanes} ${lanes === 1 ? "lane" : "lanes"}`,
    lanes,
    maxTileBytes: MAX_TILE_BYTES,
    keeps: true,
    memory: arena ?? null,
    beside,
    run: (job, signal) =>
      new Promise((resolve, reject) => {
        throwIfAborted(signal);
        if (ended !== null) throw ended;
        const together = signal === undefined ? null : under(signal);
        const task: Task = {
          job,
          resolve: (result) => {
            together?.delete(task);
            resolve(result);
          },
          reject: (error) => {
            together?.delete(task);
            reject(error);
          },
        };
        together?.add(task);
        queue.push(task);
        dispatch();
      }),
    ease: (isEased) => {
      open = isEased ? Math.max(1, lanes - 1) : lanes;
      dispatch();
    },
    close: async () => {
      await end(abortError("The engine was closed."));
    },
  };
}

/** An engine in the calling thread, for tests and small work: `run` blocks it for the tile's time. */
export async function createLocalEngine(module: WebAssembly.Module): Promise<Engine> {
  const lane = await createLane(module);
  return {
    kind: "cpu",
    name: "CPU, this thread",
    lanes: 1,
    maxTileBytes: MAX_TILE_BYTES,
    keeps: true,
    memory: null,
    beside: lane,
    run: async (job, signal) => {
      throwIfAborted(signal);
      return lane.run(job);
    },
    close: async () => {},
  };
}

function post(port: LanePort, request: Request, transfer: ArrayBuffer[]): void {
  port.postMessage(request, transfer);
}

function deviceError(why: string, cause: unknown): WeightloomError {
  const message = `A worker of the CPU engine failed: ${why}. Start the merge again, with fewer lanes if memory is short.`;
  return new WeightloomError("DeviceError", message, { cause });
}
