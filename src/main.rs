//! mcpl
fn main(){}
