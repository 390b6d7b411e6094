"""Several clients of one server, in an order that a seed decides: no threads, no real time.

    model.py     what the server must do, in the dumbest way there is
    world.py     clients that send, wait, are cancelled and killed while the clock moves; everything is compared with the model

`python -m tests.simulation 7` plays the seed 7 and tells each step; `python tools/prove.py simulation` plays ten thousand.
"""
