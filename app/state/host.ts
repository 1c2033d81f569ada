/** The one connection to the worker; a new one is made when it dies. */
import { connect, type StudioClient } from "../../workers/client.ts";
import { say } from "./messages.ts";

let client: StudioClient | null = null;

export function host(): StudioClient {
  client ??= connect((error) => {
    client = null;
    say("error", error.message);
  });
  return client;
}
