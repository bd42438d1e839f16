/** Work that looks first and changes then, done one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the work when everything that was handed in before has ended, well or badly. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
