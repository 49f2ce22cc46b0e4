"""Look inside: pictures of graphs, a stepper through backward, a tape of the memory.

python -m src.look.graph      # docs/pictures/graph_*.svg
python -m src.look.stepper    # stepper.html
python -m src.look.tape_picture  # docs/pictures/memory_tape.png
"""
