"""The operations as methods and operators of `Tensor`."""

from ..engine import backward
from ..engine.tensor import Tensor
from . import casts, elementwise, inplace, reductions, shape


METHODS = {
    backward: "backward",
    casts: "to clone alias",
    elementwise: "add sub mul div neg exp log sqrt tanh",
    inplace: "add_ sub_ mul_ div_ fill_ zero_ copy_",
    reductions: "sum",
    shape: "reshape expand",
}

for _module, _names in METHODS.items():
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_module, _name))

Tensor.__add__ = elementwise.add
Tensor.__radd__ = lambda x, y: elementwise.add(y, x)
Tensor.__sub__ = elementwise.sub
Tensor.__rsub__ = lambda x, y: elementwise.sub(y, x)
Tensor.__mul__ = elementwise.mul
Tensor.__rmul__ = lambda x, y: elementwise.mul(y, x)
Tensor.__truediv__ = elementwise.div
Tensor.__rtruediv__ = lambda x, y: elementwise.div(y, x)
Tensor.__neg__ = elementwise.neg
Tensor.__iadd__ = inplace.add_
Tensor.__isub__ = inplace.sub_
Tensor.__imul__ = inplace.mul_
Tensor.__itruediv__ = inplace.div_
