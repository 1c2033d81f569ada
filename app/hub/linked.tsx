/** A sentence in which addresses of the Hub's own pages can be followed; of others they stay text. */
import { HUB } from "../../workers/built.ts";

const ADDRESS = /(https?:\/\/[^\s()<>"']*[^\s()<>"'.,:;])/;
const origin = new URL(HUB.endpoint).origin;

export function Linked({ text }: { readonly text: string }) {
  // Every second part is what the pattern caught.
  return text.split(ADDRESS).map((part, i) =>
    i % 2 === 1 && URL.canParse(part) && new URL(part).origin === origin ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text do not change places
      <a key={i} href={part} target="_blank" rel="noopener noreferrer">
        {part.replace(/^https?:\/\//, "")}
      </a>
    ) : (
      part
    ),
  );
}
