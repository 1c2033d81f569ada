/** The one connection to the worker; a new one is made when it dies. */
import { connect, type StudioClient } from "../../workers/client.ts";
import { say } from "./messages.ts";

let client: StudioClient | null = null;
/** What has to be done so that a new worker is as the old one was. */
const repairs: (() => void)[] = [];

/** The worker may die; then this is done to the next. */
export const repairWith = (repair: () => void): void => void repairs.push(repair);

export function host(): StudioClient {
  client ??= connect((error) => {
    client = null;
    say("error", error.message);
    for (const repair of repairs) repair();
  });
  return client;
}
