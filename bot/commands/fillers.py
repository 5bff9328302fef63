"""Words that carry a sentence and no wish: they are passed over wherever they stand."""

_WORDS = """
    a an and are at can could do for from get give has have hello hey hi how i in is it last me my of on our please
    post report see send show summary tell thank thanks that the this to us want was we what whats which with would you
    your
    al como con cual cuales dame de del di dinos el en enviame es esta este favor gracias hay hola la las lo los me mi
    mostrar muestra muestrame nos nuestro nuestra para pasado pasada por puedes que quiero saber se ser si sin sobre su
    son ultimo ultima un una ver y
"""
FILLERS = frozenset(_WORDS.split())
"""Plain: small letters without accents."""
