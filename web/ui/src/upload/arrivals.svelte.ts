// Counts films that arrived or finished here, so that a library on screen can read again. By itself, because the first
// page needs no more of uploading than this.

class Arrivals {
  count = $state(0);
}

export const arrivals = new Arrivals();
