"""The store, the queue, the two lanes and the drift rounds: the only room that knows both sides."""
