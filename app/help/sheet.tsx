/** The glossary as a page: all terms, narrowed by typing. */
import { useState } from "react";
import { Sheet } from "../controls/sheet.tsx";
import { GLOSSARY } from "./glossary.ts";

export default function GlossarySheet({ onClose }: { onClose(): void }) {
  const [words, setWords] = useState("");
  const wanted = words.trim().toLowerCase();
  const shown = GLOSSARY.filter(({ term, forms = [], means }) =>
    [term, ...forms, means].some((text) => text.toLowerCase().includes(wanted)),
  );
  return (
    <Sheet title="Glossary" onClose={onClose}>
      <input
        className="text"
        aria-label="Find a term"
        placeholder="Find a term"
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reached by keyboard */}
      <section className="glossary" aria-label="Terms" tabIndex={0}>
        <dl>
          {shown.map(({ term, means }) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{means}</dd>
            </div>
          ))}
        </dl>
        {shown.length === 0 && (
          <p className="quiet" role="status">
            No term has these letters.
          </p>
        )}
      </section>
    </Sheet>
  );
}
