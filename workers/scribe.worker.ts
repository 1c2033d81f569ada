/** What writes to private storage, in a worker of its own. */
import { serveScribe } from "./scribe.ts";

serveScribe({
  post: (answer) => postMessage(answer),
  listen: (listener) => addEventListener("message", ({ data }) => listener(data)),
});
