/**
 * Text that was typed and is not taken over yet: that waits until typing rests. Whoever changes the document, or takes it
 * away, has it read first. So nothing is done to a document older than what the person sees, and nothing is undone later
 * by text that is older than the change.
 */
let unread: (() => void) | null = null;

/** There is such text, and this reads it; null when there is none any more. */
export function setUnread(read: (() => void) | null): void {
  unread = read;
}

export function settle(): void {
  const read = unread;
  unread = null;
  read?.();
}
