/**
 * Memory that several threads see. Engines and files of the command line treat it like any other; much of a browser takes
 * only memory that one thread has to itself, so bytes pass through a piece of that which is used again and again.
 */
type Bytes = Uint8Array<ArrayBuffer>;

/** Whether bytes lie in memory that threads share. */
export const isShared = ({ buffer }: ArrayBufferView): boolean => !(buffer instanceof ArrayBuffer);

/** Gives bytes in memory of this thread: the same ones where they are, else a copy that is good until the next is asked for. */
export function createOwner(): (bytes: Bytes) => Bytes {
  let own = new Uint8Array(0);
  return (bytes) => {
    if (!isShared(bytes)) return bytes;
    if (own.length < bytes.length) own = new Uint8Array(bytes.length);
    own.set(bytes);
    return own.subarray(0, bytes.length);
  };
}
