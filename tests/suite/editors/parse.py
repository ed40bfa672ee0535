"""Parses texts with the tree-sitter parser of editors/tree-sitter-mcpl.

Arguments: the compiled parser, the highlighting queries. Standard input: a JSON list of
`{name, text}`. Standard output: a JSON list of what is wrong, as `name:line: what`.
"""

import ctypes
import json
import sys

import tree_sitter


def language(library):
    make = ctypes.CDLL(library).tree_sitter_mcpl
    make.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype = ctypes.py_object
    capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return tree_sitter.Language(capsule(make(), b"tree_sitter.Language", None))


def mistakes(root):
    # With a stack of its own: trees of long expressions are deep.
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            nodes.extend(node.children)


def main():
    library, queries = sys.argv[1:]
    mcpl = language(library)
    with open(queries, encoding="utf-8") as file:
        # Fails when a query names what the grammar does not have.
        tree_sitter.Query(mcpl, file.read())
    parser = tree_sitter.Parser(mcpl)
    found = []
    for text in json.load(sys.stdin):
        for node in mistakes(parser.parse(text["text"].encode()).root_node):
            what = f"no {node.type}" if node.is_missing else f"unexpected {node.text[:40].decode(errors='replace')}"
            found.append(f"{text['name']}:{node.start_point[0] + 1}: {what}")
    json.dump(found, sys.stdout)


main()
