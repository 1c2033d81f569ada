import type { MockRepo } from "./repos.mjs";
import type { MockUser } from "./server.mjs";

export function demoRepos(): Map<string, MockRepo>;
export function demoTokens(): Map<string, MockUser>;
