/** A lane in a thread of Node; bundled by the pool's test, because Node cannot run it as it stands. */
import { parentPort } from "node:worker_threads";
import { serveLane } from "../../core/engine/cpu/serve.ts";

const port = parentPort!;
serveLane({
  postMessage: (message, transfer) => port.postMessage(message, transfer),
  onMessage: (listener) => void port.on("message", listener),
  onUnreadable: (listener) => void port.on("messageerror", listener),
});
