// The moment that the pointer is over, in sequences: charts, circuit and attention all follow it.

const followers = new Set();
let place = null;

export const cursor = {
  /** Where the pointer is; null while it is nowhere. */
  get sequences() {
    return place;
  },

  /** Calls `follow(sequences)` at every move, with null when the pointer leaves; returns its end. */
  subscribe(follow) {
    followers.add(follow);
    return () => followers.delete(follow);
  },

  set(sequences) {
    // A follower that sets the place it was told ends here, and not in a circle.
    if (sequences === place) return;
    place = sequences;
    for (const follow of followers) follow(sequences);
  },
};
