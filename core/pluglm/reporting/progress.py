from contextlib import contextmanager
class Task:
    def advance(self, n=1, **f): pass
class Progress:
    def __init__(self, quiet=False): self.quiet=quiet
    def __enter__(self): return self
    def __exit__(self,*a): pass
    @contextmanager
    def task(self, d, total=None, unit=""):
        self.say(d); yield Task()
    def say(self, t):
        if not self.quiet: print(t)
