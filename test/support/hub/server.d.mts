/** Types of the mock Hub for the tests. */
export interface Fault {
  readonly kind: string;
  readonly where?: "api" | "resolve" | "cdn" | "upload";
  readonly times?: number;
  readonly every?: number;
  readonly after?: number | string;
  readonly window?: number;
  readonly status?: number;
  readonly bytes?: number;
  readonly rate?: number;
}

export interface LogEntry {
  readonly host: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  readonly authorized: boolean;
  readonly status: number;
  readonly bytes: number;
  /** Of what was sent to the storage, bytes that arrived. */
  readonly taken?: number;
}

export interface MockUser {
  readonly name: string;
  readonly orgs?: readonly string[];
  /** Repositories whose terms the user has accepted. */
  readonly accepted?: readonly string[];
  /** Absent: may write. */
  readonly role?: "read" | "write";
}

export interface MockHub {
  readonly endpoint: string;
  readonly storage: string;
  readonly repos: Map<string, MockRepo>;
  readonly tokens: Map<string, MockUser>;
  readonly log: LogEntry[];
  set(...faults: readonly Fault[]): void;
  signFor(milliseconds: number): void;
  replace(name: string, files: ReadonlyMap<string, MockFile>): void;
  clear(): void;
  sent(): number;
  leaks(): number;
  close(): Promise<void>;
}

import type { MockFile, MockRepo } from "./repos.mjs";

export function startHub(options?: {
  readonly repos?: Map<string, MockRepo>;
  readonly tokens?: Map<string, MockUser>;
  readonly port?: number;
  readonly life?: number;
  readonly page?: number;
  readonly latency?: number;
}): Promise<MockHub>;
