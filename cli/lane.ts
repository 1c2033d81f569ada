/** A worker thread that is one lane. */
import { parentPort } from "node:worker_threads";
import { serveLane } from "../core/engine/cpu/serve.ts";

serveLane({
  postMessage: (message, transfer) => parentPort?.postMessage(message, transfer as never),
  onMessage: (handler) => {
    parentPort?.on("message", handler);
  },
  onUnreadable: (handler) => {
    parentPort?.on("messageerror", handler);
  },
});
