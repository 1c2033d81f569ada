/** The side of the mock Hub that takes files. */
export async function uploads() {
  return false;
}
uploads.onStorage = (_state, _url, answer) => answer.send(404, "");
