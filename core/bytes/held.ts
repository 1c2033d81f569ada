/**
 * Answers that are waited for. Chromium collects what was asked as garbage where nobody holds it but those who wait for
 * its answer (a file asked for a synchronous handle, a stream asked for bytes), and they wait for ever: so it is held here.
 */
const held = new Set<{ readonly asked: object }>();

/** The answer, with what was asked for it held until it is there. */
export async function holding<T>(asked: object, answer: Promise<T>): Promise<T> {
  const one = { asked };
  held.add(one);
  try {
    return await answer;
  } finally {
    held.delete(one);
  }
}
