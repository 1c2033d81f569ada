/**
 * Files of private storage, open for writing: here, or in a thread of its own, where a disk that takes its time holds up nobody.
 * Orders are carried out one after the other.
 */
import { createOwner, isShared } from "../core/bytes/shared.ts";
import { messageOf } from "../core/errors.ts";
import { openPatiently } from "./access.ts";

/** A file that only its holder can open. */
export interface Access {
  /** How many of the bytes were taken; those of memory that threads share are read where they are. */
  write(bytes: Uint8Array<ArrayBuffer>, at: number): Promise<number>;
  /** Resolves with the file's size when what was written would survive a power cut. */
  flush(): Promise<number>;
  /** Cuts the file to its first `size` bytes, where it has more. */
  cut(size: number): Promise<void>;
  close(): Promise<void>;
}

export interface Scribe {
  /** Opens a file as it is, to go on behind its first `size` bytes; null where it has fewer. */
  open(file: FileSystemFileHandle, size: number): Promise<Access | null>;
  /** Ends it, with whatever is still open. */
  end(): void;
}

/** Milliseconds for the thread of a merge that died to let go of its file. */
const PATIENCE = 5000;

/** Bytes of a write where memory that threads share has to be copied first. */
const PIECE = 2 ** 20;

/** In this thread, which has to be a worker. */
export const scribeHere: Scribe = {
  open: async (file, size) => {
    const access = await openPatiently(file, PATIENCE);
    if (access.getSize() < size) {
      access.close();
      return null;
    }
    const put = putInto(access);
    return {
      write: async (bytes, at) => put(bytes, at),
      flush: async () => {
        access.flush();
        return access.getSize();
      },
      cut: async (size) => {
        if (access.getSize() > size) access.truncate(size);
      },
      close: async () => access.close(),
    };
  },
  end: () => {},
};

/**
 * Writes bytes from where they are, also from memory that threads share: each write that makes a file longer may be a question
 * to another process, so the fewer the better. A browser that takes no such memory is given copies, which pass through a cache.
 */
function putInto(access: FileSystemSyncAccessHandle): (bytes: Uint8Array<ArrayBuffer>, at: number) => number {
  const owned = createOwner();
  let takesShared = true;
  return (bytes, at) => {
    if (takesShared || !isShared(bytes)) {
      try {
        return access.write(bytes, { at });
      } catch (error) {
        if (!(error instanceof TypeError) || !isShared(bytes)) throw error;
        takesShared = false;
      }
    }
    return access.write(owned(bytes.subarray(0, PIECE)), { at });
  };
}

type Order =
  | { readonly do: "open"; readonly file: FileSystemFileHandle; readonly size: number }
  | { readonly do: "write"; readonly of: number; readonly bytes: Uint8Array<ArrayBuffer>; readonly at: number }
  | { readonly do: "cut"; readonly of: number; readonly size: number }
  | { readonly do: "flush" | "close"; readonly of: number };

/** What an order yields: the number of an opened file, the bytes taken, the size; null for none. Or what went wrong. */
type Answer =
  | { readonly value: number | null }
  | { readonly error: { readonly name: string; readonly message: string } };

/** How messages reach the other thread and come from it. */
export interface ScribePort<Out, In> {
  post(message: Out): void;
  listen(listener: (message: In) => void): void;
}

/** The other thread's side: carries out what it is told. */
export function serveScribe({ post, listen }: ScribePort<Answer, Order>): void {
  const files: (Access | undefined)[] = [];
  const carryOut = async (order: Order): Promise<number | null> => {
    if (order.do === "open") {
      const file = await scribeHere.open(order.file, order.size);
      return file === null ? null : files.push(file) - 1;
    }
    const file = files[order.of];
    if (file === undefined) throw new Error("Internal error: a file was written to that is not open.");
    if (order.do === "write") return file.write(order.bytes, order.at);
    if (order.do === "flush") return file.flush();
    if (order.do === "cut") await file.cut(order.size);
    else {
      files[order.of] = undefined;
      await file.close();
    }
    return null;
  };
  let line = Promise.resolve();
  listen((order) => {
    line = line.then(() =>
      carryOut(order).then(
        (value) => post({ value }),
        (error: unknown) =>
          post({ error: { name: error instanceof Error ? error.name : "Error", message: messageOf(error) } }),
      ),
    );
  });
}

/** This thread's side. `failed` tells of a thread that is gone. */
export function scribeAside(
  { post, listen }: ScribePort<Order, Answer>,
  end: () => void,
  failed?: (tell: (why: string) => void) => void,
): Scribe {
  const waiting: { readonly resolve: (value: number | null) => void; readonly reject: (reason: unknown) => void }[] =
    [];
  let gone: Error | null = null;
  listen((answer) => {
    const first = waiting.shift();
    if ("value" in answer) first?.resolve(answer.value);
    else first?.reject(Object.assign(new Error(answer.error.message), { name: answer.error.name }));
  });
  const leave = (why: string) => {
    gone = new Error(why);
    for (const { reject } of waiting.splice(0)) reject(gone);
  };
  failed?.(leave);
  const ask = (order: Order) =>
    new Promise<number | null>((resolve, reject) => {
      if (gone !== null) return reject(gone);
      waiting.push({ resolve, reject });
      post(order);
    });
  const number = async (order: Order) => (await ask(order)) ?? 0;
  return {
    open: async (file, size) => {
      const of = await ask({ do: "open", file, size });
      if (of === null) return null;
      return {
        write: (bytes, at) => number({ do: "write", of, bytes, at }),
        flush: () => number({ do: "flush", of }),
        cut: async (size) => void (await ask({ do: "cut", of, size })),
        close: async () => void (await ask({ do: "close", of })),
      };
    },
    end: () => {
      leave("the thread that writes has ended");
      end();
    },
  };
}
