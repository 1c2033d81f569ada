/** A lane of the CPU engine in a browser's module worker. */
import { serveLane } from "../core/engine/cpu/serve.ts";

serveLane({
  postMessage: (message, transfer) => postMessage(message, { transfer }),
  onMessage: (listener) => addEventListener("message", ({ data }) => listener(data)),
  onUnreadable: (listener) => addEventListener("messageerror", listener),
});
