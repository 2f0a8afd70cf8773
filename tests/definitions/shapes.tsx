type Props = { label: string };

// A button that says what it is.
export const Button = ({ label }: Props) => <button>{label}</button>;

export function Page(props: Props): JSX.Element {
  const [n, setN] = useState(0);
  return <Button label={props.label} />;
}
