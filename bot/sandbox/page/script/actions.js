/** Sends what a person did to the server, as JSON; answers {ok, …} or {ok: false, error}. */

/** Posts `body` to /act/`name`; never throws: a lost line is an answer with `error`. */
export async function act(name, body) {
  try {
    const answer = await fetch(`/act/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return await answer.json();
  } catch (lost) {
    return { ok: false, error: `The sandbox did not answer (${lost.message}).` };
  }
}
