/**
 * The worker's side of a lane: the first message brings the compiled kernels and the memory that threads share, every other
 * one a tile. Buffers go back with the result, so nothing is copied between threads.
 */
import { messageOf } from "../../errors.ts";
import type { Program } from "../../graph/program.ts";
import { createLane, type Lane } from "./lane.ts";
import { buffersOf, type Reply, type Request, type ServerPort } from "./ports.ts";
import { packResult, unpackJob } from "./wire.ts";

/** Answers a pool through `port` for as long as the worker lives. */
export function serveLane(port: ServerPort): void {
  let lane: Lane | null = null;
  const met = new Map<string, Program>();
  let memory: WebAssembly.Memory | null = null;
  const reply = (message: Reply, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

  // Ends the worker, which the pool hears of: a tile without an answer would be waited for forever.
  port.onUnreadable(() => {
    throw new Error("a message to it could not be read");
  });
  port.onMessage((message) => {
    const request = message as Request;
    if (request.type === "start") {
      ({ memory } = request);
      createLane(request.module, memory).then(
        (started) => {
          lane = started;
          reply({ type: "ready" });
        },
        (error: unknown) => reply({ type: "failed", id: null, message: messageOf(error) }),
      );
      return;
    }
    try {
      if (lane === null) throw new Error("The lane got a tile before it was ready.");
      const began = performance.now();
      const result = packResult(lane.run(unpackJob(request.job, met, memory)));
      const { sums, histograms, reductions, inputs, kept, output } = result;
      const transfer = buffersOf([sums, output, ...(histograms ?? []), ...reductions, ...inputs, ...(kept ?? [])]);
      reply({ type: "done", id: request.id, result, spent: performance.now() - began }, transfer);
    } catch (error) {
      reply({ type: "failed", id: request.id, message: messageOf(error) });
    }
  });
}
