"""Pure machines of one line: hook, ringing, voice, and its calls. Time is an argument; effects are returned."""
