/** A word of the field with its meaning on hover and focus, and sentences in which such words are found. */
import type { ReactNode } from "react";
import { Hint } from "../controls/hint.tsx";
import { type Entry, entryOf, spansOf } from "./glossary.ts";

/** Words that explain themselves. */
export const Hinted = ({ help, children }: { readonly help: string; readonly children: ReactNode }) => (
  <Hint help={help}>
    <button type="button" className="term">
      {children}
    </button>
  </Hint>
);

const Marked = ({ entry, children }: { readonly entry: Entry; readonly children: ReactNode }) => (
  <Hinted help={entry.means}>{children}</Hinted>
);

/** `of` is the term in the glossary when the words shown differ from it. */
export function Term({ of, children }: { readonly of: string; readonly children: ReactNode }) {
  const entry = entryOf(of);
  return entry === undefined ? children : <Marked entry={entry}>{children}</Marked>;
}

export function Explained({ text }: { readonly text: string }) {
  return spansOf(text).map(({ text: words, entry }, i) =>
    entry === null ? (
      words
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other identity
      <Marked key={i} entry={entry}>
        {words}
      </Marked>
    ),
  );
}
