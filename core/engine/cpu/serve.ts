/**
 * The worker's side of a lane: the first message brings the compiled kernels, every other one a tile.
 * Buffers go back with the result, so nothing is copied between threads.
 */
import { messageOf } from "../../errors.ts";
import { createLane, type Lane } from "./lane.ts";
import { buffersOf, type Reply, type Request, type ServerPort } from "./ports.ts";

/** Answers a pool through `port` for as long as the worker lives. */
export function serveLane(port: ServerPort): void {
  let lane: Lane | null = null;
  const reply = (message: Reply, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

  port.onMessage((message) => {
    const request = message as Request;
    if (request.type === "start") {
      createLane(request.module).then(
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
      const result = lane.run(request.job);
      const views = [result.sums, ...result.histograms, ...result.reductions, ...result.inputs];
      if (result.output !== null) views.push(result.output);
      reply({ type: "done", id: request.id, result }, buffersOf(views));
    } catch (error) {
      reply({ type: "failed", id: request.id, message: messageOf(error) });
    }
  });
}
